/* formats/other_format.c - which format a file has that is no CSV: one table of first bytes, one of functions that look at lines.
 *
 * Text is only taken for another format when several things agree, since all of it could be CSV somehow.
 */
#include "formats/other_format.h"

#include <string.h>

#include "formats/other_peek.h"

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

/* ---- marks ---- */

/* The first character behind the first one that is no blank or line end. */
static char second_of(const bp_peek *p) {
  const char *at = p->line[0].text + 1, *end = p->data + p->size;
  while (at < end && strchr(" \t\r\n", *at)) at++;
  return at < end ? *at : '\0';
}

static bool is_json_lines(const bp_peek *p) {
  for (int i = 0; i < p->lines; i++)
    if (*p->line[i].text != '{' || p->line[i].text[p->line[i].size - 1] != '}') return false;
  return p->lines > 1;
}

static bool is_json(const bp_peek *p) {
  if (p->lines == 0) return false;
  char first = *p->line[0].text, second = second_of(p);
  if (first == '{') return second == '"' || second == '}';
  return first == '[' && (bp_peek_digit(second) || (second && strchr("{[\"-]", second)));
}

static bool is_html(const bp_peek *p) {
  static const char *const tags[] = {"<!doctype html", "<html", "<table", "<head", "<body"};
  for (size_t i = 0; i < sizeof tags / sizeof *tags && p->lines > 0; i++)
    if (bp_line_begins(p->line[0], tags[i])) return true;
  return false;
}

static bool is_xml(const bp_peek *p) {
  if (p->lines == 0) return false;
  bp_line l = p->line[0];
  if (bp_line_begins(l, "<?xml") || bp_line_begins(l, "<!--") || bp_line_begins(l, "<!doctype")) return true;
  return l.size > 2 && *l.text == '<' && bp_peek_letter(l.text[1]) && l.text[l.size - 1] == '>' &&
         !memchr(l.text, ',', l.size);
}

static bool is_matrix_market(const bp_peek *p) { return p->lines > 0 && bp_line_begins(p->line[0], "%%matrixmarket"); }

/* The second line parts the names from the rows: |---|:--:| */
static bool is_markdown(const bp_peek *p) {
  if (p->lines < 2 || !memchr(p->line[0].text, '|', p->line[0].size)) return false;
  bp_line l = p->line[1];
  size_t bars = 0, dashes = 0;
  for (size_t i = 0; i < l.size; i++) {
    if (!strchr("|-: \t", l.text[i])) return false;
    bars += l.text[i] == '|';
    dashes += l.text[i] == '-';
  }
  return bars > 0 && dashes > bars;
}

static bool is_latex(const bp_peek *p) {
  return p->lines > 0 && (bp_line_begins(p->line[0], "\\begin{") || bp_line_begins(p->line[0], "\\documentclass"));
}

static bool is_sql(const bp_peek *p) {
  for (int i = 0; i < p->lines; i++) {
    if (bp_line_begins(p->line[i], "create table") || bp_line_begins(p->line[i], "insert into")) return true;
    if (!bp_line_begins(p->line[i], "--") && !bp_line_begins(p->line[i], "/*") && !bp_line_begins(p->line[i], "set ") &&
        !bp_line_begins(p->line[i], "drop table"))
      return false;
  }
  return false;
}

/* Two bytes 0, the type of the elements, the rank. */
static bool is_idx(const bp_peek *p) {
  return p->size >= 4 && memcmp(p->data, "\0\0", 2) == 0 && memchr("\x08\x09\x0B\x0C\x0D\x0E", p->data[2], 6) &&
         (unsigned char)(p->data[3] - 1) < 8;
}

/* A length in 8 bytes, then JSON. */
static bool is_safetensors(const bp_peek *p) {
  return p->size > 10 && p->data[8] == '{' && (p->data[9] == '"' || p->data[9] == '}') &&
         memcmp(p->data + 5, "\0\0\0", 3) == 0;
}

/* Every second byte is 0 in a text of ASCII. */
static bool is_utf16(const bp_peek *p, size_t zero) {
  size_t n = p->size < 16 ? p->size / 2 * 2 : 16;
  for (size_t i = 0; i < n; i++)
    if ((p->data[i] == '\0') != (i % 2 == zero)) return false;
  return n >= 4;
}
static bool is_utf16_little(const bp_peek *p) { return is_utf16(p, 1); }
static bool is_utf16_big(const bp_peek *p) { return is_utf16(p, 0); }

/* ---- ZIP: by the name of its first file ---- */

static bool is_zip(const bp_peek *p) { return p->size >= 4 && memcmp(p->data, "PK\x03\x04", 4) == 0; }

/* Whether the name has these letters at its end, or anywhere. */
static bool zip_name_has(const bp_peek *p, const char *letters, bool at_end) {
  enum { NAME_SIZE = 26, NAME = 30 };
  size_t wanted = strlen(letters);
  if (!is_zip(p) || p->size < NAME) return false;
  size_t size = (size_t)(unsigned char)p->data[NAME_SIZE] + 256 * (size_t)(unsigned char)p->data[NAME_SIZE + 1];
  if (size > p->size - NAME || size < wanted) return false;
  for (size_t i = at_end ? size - wanted : 0; i + wanted <= size; i++)
    if (memcmp(p->data + NAME + i, letters, wanted) == 0) return true;
  return false;
}
static bool is_npz(const bp_peek *p) { return zip_name_has(p, ".npy", true); }
static bool is_torch(const bp_peek *p) { return zip_name_has(p, "data.pkl", true); }

/* ---- the table ---- */

static const struct {
  bool (*is)(const bp_peek *);
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
    {bp_is_libsvm, {"libsvm text (LABEL INDEX:VALUE …)", "write a column for each index, parted by commas"}},
    {bp_is_like_libsvm,
     {"text like libsvm's (INDEX:VALUE … behind a column or two)", "write a column for each index, parted by commas"}},
    {bp_is_fann_net, {"a FANN network", "the data must be a table"}},
    {bp_is_fann,
     {"a FANN training file (rows, inputs and outputs in its first line)",
      "write inputs and outputs of a row in one line, without the first line"}},
    {bp_is_vowpal_wabbit,
     {"Vowpal Wabbit text (LABEL |NAMESPACE FEATURE:VALUE …)", "write a column for each feature, parted by commas"}},
    {bp_is_pnm,
     {"a PNM image (PBM, PGM or PPM)", "images are read from IDX files, or as a table with a column for each pixel"}},
    {bp_is_arff, {"an ARFF file", "keep the lines behind @data, below a line with the names of the attributes"}},
    {bp_is_settings, {"settings in sections (INI or TOML)", "name the file of the table"}},
    {is_json_lines, {"JSON lines", "write the fields as columns, as with jq: -r '[.a, .b] | @csv'"}},
    {is_json, {"JSON", "write the fields as columns, as with jq: -r '.[] | [.a, .b] | @csv'"}},
    {bp_is_yaml, {"YAML", "write the fields as columns, as with yq and jq: jq -r '.[] | [.a, .b] | @csv'"}},
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
    if (!bp_peek_letter(magic[i]) && !bp_peek_digit(magic[i])) return false;
  return true;
}

/* Some control character, as no text has. */
static bool is_binary(const bp_peek *p) {
  for (size_t i = 0; i < p->size; i++)
    if ((unsigned char)p->data[i] < ' ' && (p->data[i] == '\0' || !strchr("\t\n\v\f\r\x1A", p->data[i]))) return true;
  return false;
}

static bool has_magic(const bp_peek *p, size_t offset, const char *magic, size_t size) {
  return p->size >= offset + size && memcmp(p->data + offset, magic, size) == 0 && (offset != 30 || is_zip(p)) &&
         (!is_word(magic, size) || is_binary(p));
}

const bp_other_format *bp_other_format_find(const char *data, size_t size, bool whole, bool *more) {
  bp_peek p = {.data = data, .size = size < BP_OTHER_PEEK ? size : BP_OTHER_PEEK};
  p.whole = whole && p.size == size;
  p.data_end = data + size;
  p.ends = whole;
  if (more) *more = false;
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (has_magic(&p, magics[i].offset, magics[i].magic, magics[i].size)) return &magics[i].format;
  bp_peek_lines(&p);
  bool too_few = !p.whole && p.lines < BP_PEEK_LINES && p.size < BP_OTHER_PEEK;
  if (more) *more = too_few;
  if (too_few) p.lines = 0;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (functions[i].is(&p)) return &functions[i].format;
  return NULL;
}
