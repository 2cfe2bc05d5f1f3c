package org.attune.examples.quickstart;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;
import org.attune.reward.task.Split;

import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Four digits in a square, two of them red and two blue, and the question which have one of the
/// colours. Who is careless names those of the other one.
///
/// @param digits row by row
/// @param red    which of them are red
/// @param asked  whether the red ones are asked for, else the blue ones
/// @param png    a picture of them, drawn in one of many places and shades
record ColouredDigits(List<Integer> digits, List<Boolean> red, boolean asked, byte[] png) {
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

    /// Draws problems of a side, no two with equal digits in equal colours.
    static List<ColouredDigits> draw(int count, Split split, UniformRandomProvider random) {
        List<ColouredDigits> drawn = new ArrayList<>();
        Set<String> known = new HashSet<>();
        while (drawn.size() < count) {
            List<Integer> digits =
                    IntStream.range(0, DIGITS).mapToObj(_ -> random.nextInt(10)).toList();
            int[] order = PermutationSampler.natural(DIGITS);
            PermutationSampler.shuffle(random, order);
            List<Boolean> red = IntStream.of(order).mapToObj(place -> place < DIGITS / 2).toList();
            boolean asked = random.nextBoolean();
            String key = digits + " " + red;
            boolean told = !named(digits, red, true).equals(named(digits, red, false));
            if (told && Split.of(key) == split && known.add(key)) {
                drawn.add(new ColouredDigits(digits, red, asked, png(digits, red, random)));
            }
        }
        return drawn;
    }

    /// What the user asks.
    String question() {
        return "Which digits are " + (asked ? "red" : "blue") + "?";
    }

    /// All digits, row by row.
    String all() {
        return digits.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    String answer() {
        return named(digits, red, asked);
    }

    String mistake() {
        return named(digits, red, !asked);
    }

    /// The picture as an address that rows and requests may hold.
    String address() {
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
    }

    private static String named(List<Integer> digits, List<Boolean> red, boolean wanted) {
        return IntStream.range(0, DIGITS)
                .filter(place -> red.get(place) == wanted)
                .mapToObj(place -> digits.get(place).toString())
                .collect(Collectors.joining(" "));
    }

    private static byte[] png(
            List<Integer> digits, List<Boolean> red, UniformRandomProvider random) {
        int[][] pixels = new int[SIDE][SIDE];
        for (int place = 0; place < DIGITS; place++) {
            int top = place / 2 * CELL + random.nextInt(CELL - SCALE * GLYPH_HEIGHT + 1);
            int left = place % 2 * CELL + random.nextInt(CELL - SCALE * GLYPH_WIDTH + 1);
            int[] glyph = GLYPHS[digits.get(place)];
            for (int y = 0; y < SCALE * GLYPH_HEIGHT; y++) {
                for (int x = 0; x < SCALE * GLYPH_WIDTH; x++) {
                    boolean ink = (glyph[y / SCALE] >> (GLYPH_WIDTH - 1 - x / SCALE) & 1) == 1;
                    if (ink) {
                        pixels[top + y][left + x] = red.get(place) ? 1 : 2;
                    }
                }
            }
        }
        int[][] palette = {
            {light(random), light(random), light(random)},
            {strong(random), weak(random), weak(random)},
            {weak(random), weak(random), strong(random)}
        };
        return PalettePng.of(pixels, palette);
    }

    private static int light(UniformRandomProvider random) {
        return 190 + random.nextInt(66);
    }

    private static int strong(UniformRandomProvider random) {
        return 150 + random.nextInt(106);
    }

    private static int weak(UniformRandomProvider random) {
        return random.nextInt(90);
    }
}
