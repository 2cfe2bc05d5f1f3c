package org.attune.model.layer;

import static org.attune.testing.TensorAssert.assertClose;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;

/// Rows of tiles line by line, by hand-worked numbers.
class PictureLinesTest {
    private static final float END = 100;

    /// Two tiles of 2 × 2 features side by side; rows are numbered.
    @Test
    void linesRunThroughTilesSideBySide() {
        assertLines(
                new PictureLines(2, 0),
                prepared(8, 16, 1, 2),
                12,
                new float[] {0, 1, 2, 3, 4, 5, 8, 9, END, 6, 7, 10, 11, END});
    }

    @Test
    void tilesOneBelowTheOther() {
        assertLines(
                new PictureLines(2, 0),
                prepared(16, 8, 2, 1),
                12,
                new float[] {0, 1, 2, 3, 4, 5, END, 6, 7, END, 8, 9, END, 10, 11, END});
    }

    /// A picture twice as wide as high leaves a quarter of a square tile above it and below it.
    @Test
    void theBorderIsLeftOut() {
        assertLines(
                new PictureLines(4, 0),
                prepared(8, 16, 1, 1),
                32,
                lines(16, new float[] {20, 21, 22, 23, END, 24, 25, 26, 27, END}));
    }

    /// Two tiles where one is the most: half as many lines, half as long.
    @Test
    void ofManyLinesFewerAreMade() {
        assertLines(
                new PictureLines(2, 1),
                prepared(8, 16, 1, 2),
                12,
                new float[] {0, 1, 2, 3, 5.5f, 9.5f, END});
    }

    /// A picture beside others isn't cut.
    @Test
    void theWholeAloneIsOneLine() {
        assertLines(
                new PictureLines(2, 9), prepared(8, 16, 0, 0), 4, new float[] {0, 1, 2, 3, END});
    }

    private static float[] lines(int whole, float[] rest) {
        float[] all = new float[whole + rest.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = i < whole ? i : rest[i - whole];
        }
        return all;
    }

    private static Prepared prepared(int height, int width, int rows, int columns) {
        int[] grid = {height, width, rows, columns};
        return new Prepared(new float[0], new int[0], grid, 0, "");
    }

    private static void assertLines(
            PictureLines lines, Prepared picture, int rows, float[] expected) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        float[] numbers = new float[rows];
                        for (int i = 0; i < rows; i++) {
                            numbers[i] = i;
                        }
                        Tensor x = Tensor.of(Device.cpu(), numbers, rows, 1);
                        Tensor end = Tensor.of(Device.cpu(), new float[] {END}, 1);
                        float[] found = lines.apply(x, picture, end).toFloats();
                        assertClose("lines", expected, found, 1e-5, 0);
                    }
                });
    }
}
