/* formats/other_format.c - which format a file has that is no CSV: one table of first bytes, one of functions that look at lines.
 *
 * Text is only taken for another format when several things agree, since all of it could be CSV somehow.
 */
#include "formats/other_format.h"

#include <string.h>

#include "base/number.h"

/* ---- first bytes ---- */

#define AS_CSV      "save it as CSV (UTF-8)"
#define UNPACK      "unpack it first"
#define FROM_PANDAS "write it as CSV, as with pandas: to_csv(path, index=False)"
#define FROM_NUMPY  "write it as CSV, as with NumPy: savetxt(path, array, delimiter=',')"

static const struct {
  size_t offset, size;
  const char *magic;
  bp_other_format format;
} magics[] = {
    {30, 19, "[Content_Types].xml", {"an Excel workbook (.xlsx), or another Office document", AS_CSV}},
    {30, 3, "xl/", {"an Excel workbook (.xlsx), or another Office document", AS_CSV}},
    {30, 8, "docProps", {"an Excel workbook (.xlsx), or another Office document", AS_CSV}},
    {30, 46, "mimetypeapplication/vnd.oasis.opendocument.spr", {"an OpenDocument spreadsheet (.ods)", AS_CSV}},
    {0, 4, "\xD0\xCF\x11\xE0", {"an old Excel workbook (.xls)", AS_CSV}},
    {0, 6, "\x93NUMPY", {"a NumPy array (.npy)", FROM_NUMPY}},
    {0, 4, "PAR1", {"a Parquet file", FROM_PANDAS}},
    {0, 6, "ARROW1", {"an Arrow file", FROM_PANDAS}},
    {0, 4, "FEA1", {"a Feather file", FROM_PANDAS}},
    {0, 4, "Obj\x01", {"an Avro file", FROM_PANDAS}},
    {0, 3, "ORC", {"an ORC file", FROM_PANDAS}},
    {0, 4, "\x89HDF", {"an HDF5 file", FROM_PANDAS}},
    {0, 4, "CDF\x01", {"a NetCDF file", FROM_PANDAS}},
    {0, 4, "CDF\x02", {"a NetCDF file", FROM_PANDAS}},
    {0, 2, "\x80\x02", {"a Python pickle", FROM_PANDAS}},
    {0, 2, "\x80\x03", {"a Python pickle", FROM_PANDAS}},
    {0, 2, "\x80\x04", {"a Python pickle", FROM_PANDAS}},
    {0, 2, "\x80\x05", {"a Python pickle", FROM_PANDAS}},
    {0, 15, "SQLite format 3", {"an SQLite database", "write a query as CSV: sqlite3 -header -csv FILE 'select …'"}},
    {0, 10, "MATLAB 5.0", {"a MATLAB file (.mat)", "write the matrix as CSV: writematrix(x, 'x.csv')"}},
    {0, 10, "MATLAB 7.3", {"a MATLAB file (.mat)", "write the matrix as CSV: writematrix(x, 'x.csv')"}},
    {0, 11, "<stata_dta>", {"a Stata file (.dta)", FROM_PANDAS}},
    {0, 4, "$FL2", {"an SPSS file (.sav)", FROM_PANDAS}},
    {84, 8, "SAS FILE", {"a SAS data set", FROM_PANDAS}},
    {0, 5, "RDX2\n", {"an R data file", "write it as CSV: write.csv(x, 'x.csv', row.names = FALSE)"}},
    {0, 5, "RDX3\n", {"an R data file", "write it as CSV: write.csv(x, 'x.csv', row.names = FALSE)"}},
    {0, 6, "X\n\0\0\0\x02", {"an R object (.rds)", "write it as CSV: write.csv(x, 'x.csv', row.names = FALSE)"}},
    {0, 6, "X\n\0\0\0\x03", {"an R object (.rds)", "write it as CSV: write.csv(x, 'x.csv', row.names = FALSE)"}},
    {0, 4, "%PDF", {"a PDF document", "take the table out of it as CSV"}},
    {0, 5, "{\\rtf", {"an RTF document", "take the table out of it as CSV"}},
    {0, 5, "%!PS-", {"a PostScript document", "take the table out of it as CSV"}},
    {0, 4, "\x89PNG", {"a PNG image", "images are read from IDX files, or as a table with a column for each pixel"}},
    {0,
     3,
     "\xFF\xD8\xFF",
     {"a JPEG image", "images are read from IDX files, or as a table with a column for each pixel"}},
    {0, 4, "GIF8", {"a GIF image", "images are read from IDX files, or as a table with a column for each pixel"}},
    {0, 4, "II*\0", {"a TIFF image", "images are read from IDX files, or as a table with a column for each pixel"}},
    {0, 4, "MM\0*", {"a TIFF image", "images are read from IDX files, or as a table with a column for each pixel"}},
    {0,
     4,
     "\x7F"
     "ELF",
     {"a program", "name the file of the table"}},
    {0, 2, "\x1F\x8B", {"gzip inside gzip", UNPACK ": gunzip"}},
    {0, 3, "BZh", {"bzip2 data", UNPACK ": bunzip2"}},
    {0, 5, "\xFD\x37zXZ", {"xz data", UNPACK ": unxz"}},
    {0, 4, "\x28\xB5\x2F\xFD", {"zstd data", UNPACK ": unzstd"}},
    {0, 4, "\x04\x22\x4D\x18", {"lz4 data", UNPACK ": unlz4"}},
    {0, 6, "7z\xBC\xAF\x27\x1C", {"a 7z archive", UNPACK ": 7z x"}},
    {0, 4, "Rar!", {"a RAR archive", UNPACK}},
    {257, 5, "ustar", {"a tar archive", UNPACK ": tar xf"}},
    {0, 2, "\x1F\x9D", {"compress data (.Z)", UNPACK ": gunzip"}},
    {0, 4, "\xFF\xFE\0\0", {"UTF-32 text", "convert it: iconv -f UTF-32 -t UTF-8"}},
    {0, 2, "\xFF\xFE", {"UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8"}},
    {0, 2, "\xFE\xFF", {"UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8"}},
    {0, 4, "\0\0\xFE\xFF", {"UTF-32 text", "convert it: iconv -f UTF-32 -t UTF-8"}},
    {0,
     42,
     "version https://git-lfs.github.com/spec/v1",
     {"a Git LFS pointer, not the file itself", "fetch the file: git lfs pull"}},
};

/* ---- lines ---- */

/* How many lines with something in them are looked at. */
enum { LINES = 20 };

typedef struct line {
  const char *text;
  size_t size;
} line;

/* The beginning of a file. */
typedef struct peek {
  const char *data;
  size_t size;
  bool whole;
  int lines; /* in line[], blank ones and comments (#) left out */
  line line[LINES];
  const char *data_end; /* of all that is there, and */
  bool ends;            /* whether the file ends with it */
} peek;

static bool is_blank(char c) { return c == ' ' || c == '\t'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }
static bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

static line trimmed(const char *text, const char *end) {
  while (text < end && is_blank(*text)) text++;
  while (end > text && is_blank(end[-1])) end--;
  return (line){text, (size_t)(end - text)};
}

/* Cuts data into lines; one that goes on behind them does not count. */
static void find_lines(peek *p) {
  const char *at = p->data, *end = p->data + p->size;
  if (p->size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3;
  while (at < end) {
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r') stop++;
    if (stop == end && !p->whole) break;
    line l = trimmed(at, stop);
    if (l.size > 0 && *l.text != '#') {
      if (p->lines == LINES) return;
      p->line[p->lines++] = l;
    }
    at = stop + 1;
  }
}

static bool begins(line l, const char *word) {
  size_t size = strlen(word);
  if (l.size < size) return false;
  for (size_t i = 0; i < size; i++)
    if (lower(l.text[i]) != word[i]) return false;
  return true;
}

/* Takes the next word between blanks off a line. */
static bool next_word(line *rest, line *word) {
  size_t n = 0;
  line l = trimmed(rest->text, rest->text + rest->size);
  while (n < l.size && !is_blank(l.text[n])) n++;
  *word = (line){l.text, n};
  *rest = (line){l.text + n, l.size - n};
  return n > 0;
}

static bool is_number(line word) {
  double value;
  return bp_number_parse(word.text, word.size, &value);
}

/* A whole number above 0, of so few digits that it fits; 0: none. */
static size_t count_of(line word) {
  size_t value = 0;
  if (word.size == 0 || word.size > 9) return 0;
  for (size_t i = 0; i < word.size; i++) {
    if (!is_digit(word.text[i])) return 0;
    value = 10 * value + (size_t)(word.text[i] - '0');
  }
  return value;
}

static size_t words_of_numbers(line l) {
  line word;
  size_t n = 0;
  for (; next_word(&l, &word); n++)
    if (!is_number(word)) return 0;
  return n;
}

/* ---- libsvm: LABEL[,LABEL…] [qid:N] INDEX:VALUE … # comment ---- */

static bool is_labels(line word) {
  for (;;) {
    size_t n = 0;
    while (n < word.size && word.text[n] != ',') n++;
    if (!is_number((line){word.text, n})) return false;
    if (n == word.size) return true;
    word = (line){word.text + n + 1, word.size - n - 1};
  }
}

/* "3:0.5", whose index grows within a line */
static bool is_pair(line word, size_t *index) {
  const char *colon = memchr(word.text, ':', word.size);
  if (!colon) return false;
  size_t n = (size_t)(colon - word.text), before = *index;
  if (n == 3 && memcmp(word.text, "qid", 3) == 0) return before == 0;
  line value = {colon + 1, word.size - n - 1};
  size_t found = count_of((line){word.text, n});
  bool zero = n == 1 && *word.text == '0' && before == 0;
  *index = found;
  return (found > before || zero) && is_number(value);
}

/* A time of the day looks like one pair: some line has two, or a value with a point. */
static bool is_libsvm_line(line l, bool *sure) {
  line word;
  size_t index = 0, pairs = 0;
  if (!next_word(&l, &word) || !is_labels(word)) return false;
  while (next_word(&l, &word) && *word.text != '#') {
    if (!is_pair(word, &index)) return false;
    *sure = *sure || memchr(word.text, '.', word.size) || ++pairs > 1;
  }
  return true;
}

static bool is_libsvm(const peek *p) {
  bool sure = false;
  for (int i = 0; i < p->lines; i++)
    if (!is_libsvm_line(p->line[i], &sure)) return false;
  return sure;
}

/* ---- FANN: rows, inputs and outputs; then by turns a line of inputs and one of outputs ---- */

/* Lines with something in them, to the end. */
static size_t all_lines(const peek *p) {
  size_t lines = 0;
  bool blank = true;
  for (const char *at = p->data; at < p->data_end; at++) {
    bool line_end = *at == '\n' || *at == '\r';
    lines += line_end && !blank;
    blank = line_end || (blank && is_blank(*at));
  }
  return lines + !blank;
}

static bool is_fann(const peek *p) {
  line word, rest = p->lines > 2 ? p->line[0] : (line){"", 0};
  size_t n[3] = {0};
  for (int i = 0; i < 3; i++)
    if (!next_word(&rest, &word) || (n[i] = count_of(word)) == 0) return false;
  if (next_word(&rest, &word)) return false;
  for (int i = 1; i < p->lines; i++)
    if (words_of_numbers(p->line[i]) != n[i % 2 ? 1 : 2]) return false;
  return n[1] != 3 || n[2] != 3 || (p->ends && all_lines(p) == 1 + 2 * n[0]); /* else a table of three columns */
}

/* ---- Vowpal Wabbit: [LABEL [IMPORTANCE]] ['TAG]|[NAMESPACE] FEATURE[:VALUE] … ---- */

static bool is_vw_line(line l) {
  const char *bar = memchr(l.text, '|', l.size), *end = l.text + l.size;
  if (!bar || bar + 1 >= end) return false;
  line word, before = {l.text, (size_t)(bar - l.text)}, after = {bar + 1, (size_t)(end - bar - 1)};
  bool named = !is_blank(bar[1]) && bar > l.text && !is_digit(bar[1]), pair = false;
  for (int i = 0; next_word(&before, &word); i++)
    if (i > 2 || (!is_number(word) && word.text + word.size != bar && *word.text != '\'')) return false;
  if (!next_word(&after, &word)) return false;
  do {
    const char *colon = memchr(word.text, ':', word.size);
    pair = pair ||
           (colon && colon > word.text && is_number((line){colon + 1, (size_t)(word.text + word.size - colon - 1)}));
  } while (next_word(&after, &word));
  return pair || (named && after.text > bar + 2 && memchr(bar, ' ', (size_t)(end - bar)));
}

static bool is_vowpal_wabbit(const peek *p) {
  for (int i = 0; i < p->lines; i++)
    if (!is_vw_line(p->line[i])) return false;
  return p->lines > 0;
}

/* ---- marks ---- */

static bool is_arff(const peek *p) {
  int i = 0;
  while (i < p->lines && *p->line[i].text == '%') i++;
  return i < p->lines && begins(p->line[i], "@relation");
}

/* The first character behind the first one that is no blank or line end. */
static char second_of(const peek *p) {
  const char *at = p->line[0].text + 1, *end = p->data + p->size;
  while (at < end && strchr(" \t\r\n", *at)) at++;
  return at < end ? *at : '\0';
}

static bool is_json_lines(const peek *p) {
  for (int i = 0; i < p->lines; i++)
    if (*p->line[i].text != '{' || p->line[i].text[p->line[i].size - 1] != '}') return false;
  return p->lines > 1;
}

static bool is_json(const peek *p) {
  if (p->lines == 0) return false;
  char first = *p->line[0].text, second = second_of(p);
  if (first == '{') return second == '"' || second == '}';
  return first == '[' && (is_digit(second) || (second && strchr("{[\"-]", second)));
}

static bool is_html(const peek *p) {
  static const char *const tags[] = {"<!doctype html", "<html", "<table", "<head", "<body"};
  for (size_t i = 0; i < sizeof tags / sizeof *tags && p->lines > 0; i++)
    if (begins(p->line[0], tags[i])) return true;
  return false;
}

static bool is_xml(const peek *p) {
  if (p->lines == 0) return false;
  line l = p->line[0];
  if (begins(l, "<?xml") || begins(l, "<!--") || begins(l, "<!doctype")) return true;
  return l.size > 2 && *l.text == '<' && is_letter(l.text[1]) && l.text[l.size - 1] == '>' &&
         !memchr(l.text, ',', l.size);
}

static bool is_matrix_market(const peek *p) { return p->lines > 0 && begins(p->line[0], "%%matrixmarket"); }

/* The second line parts the names from the rows: |---|:--:| */
static bool is_markdown(const peek *p) {
  if (p->lines < 2 || !memchr(p->line[0].text, '|', p->line[0].size)) return false;
  line l = p->line[1];
  size_t bars = 0, dashes = 0;
  for (size_t i = 0; i < l.size; i++) {
    if (!strchr("|-: \t", l.text[i])) return false;
    bars += l.text[i] == '|';
    dashes += l.text[i] == '-';
  }
  return bars > 0 && dashes > bars;
}

static bool is_latex(const peek *p) {
  return p->lines > 0 && (begins(p->line[0], "\\begin{") || begins(p->line[0], "\\documentclass"));
}

static bool is_sql(const peek *p) {
  for (int i = 0; i < p->lines; i++) {
    if (begins(p->line[i], "create table") || begins(p->line[i], "insert into")) return true;
    if (!begins(p->line[i], "--") && !begins(p->line[i], "/*") && !begins(p->line[i], "set ") &&
        !begins(p->line[i], "drop table"))
      return false;
  }
  return false;
}

/* Two bytes 0, the type of the elements, the rank. */
static bool is_idx(const peek *p) {
  return p->size >= 4 && memcmp(p->data, "\0\0", 2) == 0 && memchr("\x08\x09\x0B\x0C\x0D\x0E", p->data[2], 6) &&
         (unsigned char)(p->data[3] - 1) < 8;
}

/* A length in 8 bytes, then JSON. */
static bool is_safetensors(const peek *p) {
  return p->size > 10 && p->data[8] == '{' && (p->data[9] == '"' || p->data[9] == '}') &&
         memcmp(p->data + 5, "\0\0\0", 3) == 0;
}

/* Every second byte is 0 in a text of ASCII. */
static bool is_utf16(const peek *p, size_t zero) {
  size_t n = p->size < 16 ? p->size / 2 * 2 : 16;
  for (size_t i = 0; i < n; i++)
    if ((p->data[i] == '\0') != (i % 2 == zero)) return false;
  return n >= 4;
}
static bool is_utf16_little(const peek *p) { return is_utf16(p, 1); }
static bool is_utf16_big(const peek *p) { return is_utf16(p, 0); }

/* ---- ZIP: by the name of its first file ---- */

static bool is_zip(const peek *p) { return p->size >= 4 && memcmp(p->data, "PK\x03\x04", 4) == 0; }

/* Whether the name has these letters at its end, or anywhere. */
static bool zip_name_has(const peek *p, const char *letters, bool at_end) {
  enum { NAME_SIZE = 26, NAME = 30 };
  size_t wanted = strlen(letters);
  if (!is_zip(p) || p->size < NAME) return false;
  size_t size = (size_t)(unsigned char)p->data[NAME_SIZE] + 256 * (size_t)(unsigned char)p->data[NAME_SIZE + 1];
  if (size > p->size - NAME || size < wanted) return false;
  for (size_t i = at_end ? size - wanted : 0; i + wanted <= size; i++)
    if (memcmp(p->data + NAME + i, letters, wanted) == 0) return true;
  return false;
}
static bool is_npz(const peek *p) { return zip_name_has(p, ".npy", true); }
static bool is_torch(const peek *p) { return zip_name_has(p, "data.pkl", true); }

/* ---- the table ---- */

static const struct {
  bool (*is)(const peek *);
  bp_other_format format;
} functions[] = {
    {is_safetensors,
     {"a model, a checkpoint or other tensors (safetensors)",
      "the data must be a table: did two names change places?"}},
    {is_idx, {"an IDX file", "give it a name such as images-idx3-ubyte"}},
    {is_npz, {"NumPy arrays (.npz)", FROM_NUMPY}},
    {is_torch, {"a PyTorch file", FROM_NUMPY}},
    {is_zip, {"a ZIP archive", UNPACK ": unzip"}},
    {is_utf16_little, {"UTF-16 text", "convert it: iconv -f UTF-16LE -t UTF-8"}},
    {is_utf16_big, {"UTF-16 text", "convert it: iconv -f UTF-16BE -t UTF-8"}},
    {is_libsvm, {"libsvm text (LABEL INDEX:VALUE …)", "write a column for each index, parted by commas"}},
    {is_fann,
     {"a FANN training file (rows, inputs and outputs in its first line)",
      "write inputs and outputs of a row in one line, without the first line"}},
    {is_vowpal_wabbit,
     {"Vowpal Wabbit text (LABEL |NAMESPACE FEATURE:VALUE …)", "write a column for each feature, parted by commas"}},
    {is_arff, {"an ARFF file", "keep the lines behind @data, below a line with the names of the attributes"}},
    {is_json_lines, {"JSON lines", "write the fields as columns, as with jq: -r '[.a, .b] | @csv'"}},
    {is_json, {"JSON", "write the fields as columns, as with jq: -r '.[] | [.a, .b] | @csv'"}},
    {is_html, {"HTML", "is it the page of an error, or of a download? take the table out of it as CSV"}},
    {is_xml, {"XML", AS_CSV}},
    {is_matrix_market, {"a Matrix Market file", "write the matrix as CSV, all its columns"}},
    {is_markdown, {"a Markdown table", "take out the line of dashes and the bars at the ends"}},
    {is_latex, {"LaTeX", AS_CSV}},
    {is_sql, {"SQL", "write the table as CSV, by a query in its database"}},
};

/* Whether a header could begin so ("ORC", as in "ORCID"): letters and digits alone. */
static bool is_word(const char *magic, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!is_letter(magic[i]) && !is_digit(magic[i])) return false;
  return true;
}

/* Some control character, as no text has. */
static bool is_binary(const peek *p) {
  for (size_t i = 0; i < p->size; i++)
    if ((unsigned char)p->data[i] < ' ' && (p->data[i] == '\0' || !strchr("\t\n\v\f\r\x1A", p->data[i]))) return true;
  return false;
}

static bool has_magic(const peek *p, size_t offset, const char *magic, size_t size) {
  return p->size >= offset + size && memcmp(p->data + offset, magic, size) == 0 && (offset != 30 || is_zip(p)) &&
         (!is_word(magic, size) || is_binary(p));
}

const bp_other_format *bp_other_format_find(const char *data, size_t size, bool whole, bool *more) {
  peek p = {.data = data, .size = size < BP_OTHER_PEEK ? size : BP_OTHER_PEEK};
  p.whole = whole && p.size == size;
  p.data_end = data + size;
  p.ends = whole;
  if (more) *more = false;
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (has_magic(&p, magics[i].offset, magics[i].magic, magics[i].size)) return &magics[i].format;
  find_lines(&p);
  bool too_few = !p.whole && p.lines < LINES && p.size < BP_OTHER_PEEK;
  if (more) *more = too_few;
  if (too_few) p.lines = 0;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (functions[i].is(&p)) return &functions[i].format;
  return NULL;
}
