package org.attune.images;

import org.attune.images.Picture.Size;

/// What a picture of a certain size becomes, known before it is decoded.
///
/// @param picture size of the picture
/// @param whole   size that the picture is resized to before it is cut
/// @param tile    size of what the encoder reads
/// @param rows    rows of tiles, of patches, or 0
/// @param columns tiles or patches in a row, or 0
/// @param tiles   how many pictures the encoder reads
/// @param grid    what the model is told about the picture's shape
record Plan(Size picture, Size whole, Size tile, int rows, int columns, int tiles, int[] grid) {
    /// A picture that the encoder reads in one piece.
    static Plan whole(Size picture, Size tile, int... grid) {
        return new Plan(picture, tile, tile, 0, 0, 1, grid);
    }

    /// The picture's size and what it becomes, for people.
    String shape() {
        return tiles == 1
                ? picture + ", resized to " + tile
                : "%s, %d tiles of %s".formatted(picture, tiles, tile);
    }
}
