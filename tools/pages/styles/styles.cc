#include "tools/pages/styles/styles.h"

namespace inlay::page {
namespace {

constexpr SeriesStyle kStyles[] = {
    // References for the comparison of layouts.
    {"touch", "#7d858d", "#8f99a3", Marker::kCross, true},
    {"handwritten", "#4b535b", "#c3cad1", Marker::kCross, true},
    // Layouts. Related ones share a hue.
    {"pointer", "#c2410c", "#ff8a5c", Marker::kSquare, false},
    {"single_pointer", "#b07800", "#e8b23a", Marker::kTriangle, false},
    {"inline", "#7c3aad", "#c59bf0", Marker::kDiamond, false},
    {"inline_const", "#9b62c6", "#a77fd6", Marker::kDiamond, true},
    {"inline_runtime_const", "#b07fd6", "#8d68bd", Marker::kDiamond, true},
    {"shared_pointer", "#00806b", "#35c9ab", Marker::kTriangleDown, false},
    {"index", "#0b5fc0", "#6cb2ff", Marker::kCircle, false},
    {"index_const", "#3f83d1", "#4d94e0", Marker::kCircle, true},
    {"index12", "#3f83d1", "#4d94e0", Marker::kRing, true},
    {"index9", "#4f93dc", "#3f82cc", Marker::kRing, false},
    {"index9x7", "#4f93dc", "#3f82cc", Marker::kRing, true},
    {"index9_embedded", "#0b5fc0", "#6cb2ff", Marker::kCircle, true},
    {"index_get_many", "#06408a", "#a9d2ff", Marker::kCircle, true},
    {"index_spilled", "#5a6fb5", "#8fa3e0", Marker::kSquareRing, true},
    {"index_side_table", "#3d7f9e", "#6fb3d2", Marker::kTriangle, true},
    {"embedded", "#06408a", "#a9d2ff", Marker::kCircle, true},
    // Peers.
    {"flyweight", "#b5256f", "#f582b9", Marker::kSquareRing, false},
    {"flyweight_no_locking", "#cf5c96", "#cf6698", Marker::kSquareRing, true},
    {"side_table", "#667200", "#b9c64a", Marker::kTriangle, true},
    {"interning_table", "#8a6d3b", "#cfae78", Marker::kTriangleDown, true},
    {"shared_ptr", "#8f4538", "#d99080", Marker::kSquare, true},
    // The live kernel.
    {"sk_storage", "#c2410c", "#ff8a5c", Marker::kSquare, false},
    {"mark", "#4b535b", "#c3cad1", Marker::kCross, true},
    // Counts of values and records.
    {"data", "#2b3138", "#e3e7eb", Marker::kCircle, false},
    {"values", "#0b5fc0", "#6cb2ff", Marker::kCircle, false},
    {"records", "#b07800", "#e8b23a", Marker::kSquare, false},
    {"spoiler", "#b3261e", "#ff8f85", Marker::kDiamond, false},
    {"field", "#69727b", "#a2abb4", Marker::kRing, false},
    {"split", "#00806b", "#35c9ab", Marker::kTriangleDown, false},
    {"forecast", "#b5256f", "#f582b9", Marker::kSquareRing, true},
};

}  // namespace

SeriesStyles Styles() { return SeriesStyles(kStyles); }

}  // namespace inlay::page
