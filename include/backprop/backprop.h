/* backprop/backprop.h - every public header, in the order of their names; `tools/check-headers --update` writes it. */
#ifndef BACKPROP_BACKPROP_H
#define BACKPROP_BACKPROP_H
#include "backprop/autodiff.h"
#include "backprop/context.h"
#include "backprop/control.h"
#include "backprop/custom.h"
#include "backprop/dtype.h"
#include "backprop/expression.h"
#include "backprop/gradcheck.h"
#include "backprop/graph.h"
#include "backprop/info.h"
#include "backprop/model.h"
#include "backprop/net.h"
#include "backprop/ops.h"
#include "backprop/program.h"
#include "backprop/sparse.h"
#include "backprop/status.h"
#include "backprop/table.h"
#include "backprop/trace.h"
#include "backprop/train.h"
#include "backprop/version.h"
#endif
