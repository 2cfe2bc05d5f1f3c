package org.attune.images;

/// A decoded picture.
///
/// @param width  in pixels
/// @param height in pixels
/// @param rgb    three bytes a pixel, red first, row by row from the top left
record Pixels(int width, int height, byte[] rgb) {
    static final int CHANNELS = 3;

    Pixels {
        if (rgb.length != width * height * CHANNELS) {
            throw new IllegalArgumentException(
                    "%d bytes for %d x %d pixels".formatted(rgb.length, width, height));
        }
    }

    /// @throws BrokenPictureException if no array holds as many
    static Pixels black(int width, int height) {
        long bytes = (long) width * height * CHANNELS;
        if (bytes > Integer.MAX_VALUE - 8) {
            throw new BrokenPictureException(
                    "%d x %d pixels are needed on the way, which no memory holds"
                            .formatted(width, height));
        }
        return new Pixels(width, height, new byte[(int) bytes]);
    }

    /// The part of a picture that begins at a place. It may reach over the picture's border: what
    /// lies outside is black.
    ///
    /// @param left of the part in this picture, negative if it begins outside
    /// @param top  of the part in this picture, negative if it begins outside
    Pixels part(int left, int top, int partWidth, int partHeight) {
        if (left == 0 && top == 0 && partWidth == width && partHeight == height) {
            return this;
        }
        return onto(black(partWidth, partHeight), -left, -top);
    }

    /// This picture on another, whose bytes are overwritten.
    ///
    /// @return the other
    Pixels onto(Pixels canvas, int left, int top) {
        int from = Math.max(0, -left);
        int to = Math.min(width, canvas.width - left);
        for (int y = Math.max(0, -top);
                y < Math.min(height, canvas.height - top) && from < to;
                y++) {
            System.arraycopy(
                    rgb,
                    (y * width + from) * CHANNELS,
                    canvas.rgb,
                    ((y + top) * canvas.width + left + from) * CHANNELS,
                    (to - from) * CHANNELS);
        }
        return canvas;
    }

    /// The picture as a camera's orientation says it is to be seen.
    ///
    /// @param orientation 1 to 8, as EXIF counts them; others leave the picture as it is
    Pixels turned(int orientation) {
        if (orientation < 2 || orientation > 8) {
            return this;
        }
        boolean swaps = orientation >= 5;
        boolean fromRight =
                orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        boolean fromBottom =
                orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        int newWidth = swaps ? height : width;
        int newHeight = swaps ? width : height;
        byte[] turned = new byte[rgb.length];
        int at = 0;
        for (int y = 0; y < newHeight; y++) {
            for (int x = 0; x < newWidth; x++) {
                int column = swaps ? y : x;
                int row = swaps ? x : y;
                int from =
                        (fromBottom ? height - 1 - row : row) * width
                                + (fromRight ? width - 1 - column : column);
                System.arraycopy(rgb, from * CHANNELS, turned, at, CHANNELS);
                at += CHANNELS;
            }
        }
        return new Pixels(newWidth, newHeight, turned);
    }
}
