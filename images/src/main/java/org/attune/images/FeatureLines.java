package org.attune.images;

import java.math.BigDecimal;
import java.math.RoundingMode;

/// Lines of features of a picture that was laid into tiles with a border beside it: what lies in
/// the border is left out, and of many lines and columns fewer are made.
///
/// @param rows         of features that lie in the picture
/// @param columns      of them
/// @param shownRows    lines that are made of them
/// @param shownColumns features of such a line
record FeatureLines(int rows, int columns, int shownRows, int shownColumns) {
    /// Side by side more features than this, squared, than the most are too many.
    private static final double MUCH = 1.1;

    /// @param height of the picture
    /// @param width  of the picture
    /// @param rows   of features in all tiles
    /// @param columns of features in all tiles
    /// @param most   features that are shown as they are, or a few more; 0: all
    static FeatureLines of(int height, int width, int rows, int columns, int most) {
        int down = rows;
        int across = columns;
        if ((double) width / height > (double) columns / rows) {
            int inner = rounded(height * ((double) columns / width));
            down = rows - (rows - inner) / 2 * 2;
        } else {
            int inner = rounded(width * ((double) rows / height));
            across = columns - (columns - inner) / 2 * 2;
        }
        double ratio = most == 0 ? 1 : Math.sqrt((double) (down * across) / most);
        return ratio > MUCH
                ? new FeatureLines(down, across, times(down, ratio), times(across, ratio))
                : new FeatureLines(down, across, down, across);
    }

    /// Features with one behind each line.
    int count() {
        return shownRows * (shownColumns + 1);
    }

    /// How often a ratio fits into a length, as Python's `//` counts it.
    private static int times(int length, double ratio) {
        return (int) Math.rint((length - length % ratio) / ratio);
    }

    private static int rounded(double length) {
        return new BigDecimal(length).setScale(7, RoundingMode.HALF_EVEN).intValue();
    }
}
