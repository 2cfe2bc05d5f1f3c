package org.attune.examples.quickstart;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.reward.task.Split;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Four digits in a square, two above two others, and a picture of them. Read row by row they are
/// others than read column by column.
///
/// @param digits row by row
/// @param png    a picture of them, drawn in one of many places and shades
record DrawnDigits(List<Integer> digits, byte[] png) {
    /// Pixels of a picture's side.
    static final int SIDE = 32;

    private static final int DIGITS = 4;
    private static final int CELL = SIDE / 2;
    private static final int SCALE = 2;
    private static final int GLYPH_WIDTH = 5;
    private static final int GLYPH_HEIGHT = 7;

    /// Rows of a digit, five pixels in an octet, from above.
    private static final int[][] GLYPHS = {
        {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e},
        {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e},
        {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f},
        {0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e},
        {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02},
        {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},
        {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e},
        {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},
        {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e},
        {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}
    };

    /// Draws problems of a side. Digits may come again, in other places and shades; those of one
    /// side are never among those of the other.
    static List<DrawnDigits> draw(int count, Split split, UniformRandomProvider random) {
        List<DrawnDigits> drawn = new ArrayList<>();
        while (drawn.size() < count) {
            List<Integer> digits =
                    IntStream.range(0, DIGITS).mapToObj(_ -> random.nextInt(10)).toList();
            boolean told = !digits.get(1).equals(digits.get(2));
            if (told && Split.of(digits.toString()) == split) {
                drawn.add(new DrawnDigits(digits, png(digits, random)));
            }
        }
        return drawn;
    }

    /// The digits row by row, `1 2 3 4`.
    String byRow() {
        return digits.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    /// The digits column by column: of `1 2` above `3 4` that is `1 3 2 4`.
    String byColumn() {
        return Stream.of(0, 2, 1, 3)
                .map(place -> digits.get(place).toString())
                .collect(Collectors.joining(" "));
    }

    /// The picture as an address that rows and requests may hold.
    String address() {
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
    }

    private static byte[] png(List<Integer> digits, UniformRandomProvider random) {
        int[][] pixels = new int[SIDE][SIDE];
        for (int place = 0; place < DIGITS; place++) {
            int top = place / 2 * CELL + random.nextInt(CELL - SCALE * GLYPH_HEIGHT + 1);
            int left = place % 2 * CELL + random.nextInt(CELL - SCALE * GLYPH_WIDTH + 1);
            int[] glyph = GLYPHS[digits.get(place)];
            for (int y = 0; y < SCALE * GLYPH_HEIGHT; y++) {
                for (int x = 0; x < SCALE * GLYPH_WIDTH; x++) {
                    pixels[top + y][left + x] =
                            glyph[y / SCALE] >> (GLYPH_WIDTH - 1 - x / SCALE) & 1;
                }
            }
        }
        int[][] palette = {
            {light(random), light(random), light(random)},
            {dark(random), dark(random), dark(random)}
        };
        return PalettePng.of(pixels, palette);
    }

    private static int light(UniformRandomProvider random) {
        return 190 + random.nextInt(66);
    }

    private static int dark(UniformRandomProvider random) {
        return random.nextInt(120);
    }
}
