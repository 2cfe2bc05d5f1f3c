package org.attune.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.images.SeenPicture;
import org.attune.model.config.RopeConfig;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

class RotaryWalkTest {
    private static final int IMAGE = 9;

    /// Two rows of three columns.
    private static final SeenPicture WIDE = new SeenPicture("wide", 6, 3, "", () -> null);

    private static int[] ids(int... text) {
        return SeenPicture.among(text, IMAGE, List.of(WIDE));
    }

    @Test
    void textGoesOnBehindTheLargestPositionOfAPicture() {
        int[] ids = ids(1, 2, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, 3, 4);
        int[] positions = IntStream.range(0, ids.length).toArray();
        var layout = new Layout(ids, positions, List.of(new Layout.Span(-1, 0, ids.length)));
        int[][] streams = layout.streams();
        assertArrayEquals(new int[] {0, 1, 2, 2, 2, 2, 2, 2, 5, 6}, streams[0]);
        assertArrayEquals(new int[] {0, 1, 2, 2, 2, 3, 3, 3, 5, 6}, streams[1]);
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, 2, 3, 4, 5, 6}, streams[2]);
    }

    /// A picture that stands twice, side by side, is two pictures; so is one of a single row.
    @Test
    void aPictureThatStandsTwiceIsPlacedTwice() {
        int[] text = {1, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, 2};
        int[] twice = {1, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE};
        int[] one = SeenPicture.among(twice, IMAGE, List.of(WIDE));
        int[] rest = SeenPicture.among(text, IMAGE, List.of(WIDE));
        int[] ids = Arrays.copyOf(one, 7 + 7);
        System.arraycopy(rest, 1, ids, 7, 7);
        int[][] streams = streams(ids, List.of(new Layout.Span(-1, 0, ids.length)), List.of());
        assertArrayEquals(new int[] {0, 1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 7}, streams[0], "time");
        assertArrayEquals(new int[] {0, 1, 1, 1, 2, 2, 2, 4, 4, 4, 5, 5, 5, 7}, streams[1], "rows");
        assertArrayEquals(
                new int[] {0, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 7}, streams[2], "columns");
        var dot = new SeenPicture("dot", 1, 1, "", () -> null);
        int[] dots = SeenPicture.among(new int[] {IMAGE, IMAGE, 3}, IMAGE, List.of(dot, dot));
        int[][] own = streams(dots, List.of(new Layout.Span(-1, 0, 3)), List.of());
        assertArrayEquals(new int[] {0, 1, 2}, own[0]);
    }

    /// A trunk that ends inside a picture, with two branches; a second tree; a sequence of which
    /// the beginning was read before.
    @Test
    void branchesGoOnWhereTheirParentEnds() {
        int[] whole = ids(1, 2, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, 3, 4);
        int[] alone = new int[3];
        int[][] expected = streams(whole, List.of(new Layout.Span(-1, 0, 10)), List.of());
        int[] forest = new int[3 + 5 + 5 + 5];
        System.arraycopy(alone, 0, forest, 0, 3);
        System.arraycopy(whole, 0, forest, 3, 5);
        System.arraycopy(whole, 5, forest, 8, 5);
        System.arraycopy(whole, 5, forest, 13, 5);
        List<Layout.Span> spans =
                List.of(
                        new Layout.Span(-1, 0, 3),
                        new Layout.Span(-1, 3, 8),
                        new Layout.Span(1, 8, 13),
                        new Layout.Span(1, 13, 18));
        int[][] shared = streams(forest, spans, List.of());
        int[] before = Arrays.copyOf(whole, 5);
        assertEquals(2 + 3, Layout.positionBehind(before));
        int[] rest = IntStream.range(5, 10).map(i -> whole[i]).toArray();
        int[][] later = streams(rest, List.of(new Layout.Span(-1, 0, 5)), List.of(before));
        for (int stream = 0; stream < expected.length; stream++) {
            for (int i = 0; i < 10; i++) {
                assertEquals(expected[stream][i], shared[stream][3 + i]);
                assertEquals(
                        expected[stream][i], i < 5 ? expected[stream][i] : later[stream][i - 5]);
                assertEquals(expected[stream][i], shared[stream][i < 5 ? 3 + i : 8 + i]);
            }
        }
    }

    private static int[][] streams(int[] ids, List<Layout.Span> spans, List<int[]> before) {
        return new Layout(ids, new int[ids.length], spans, before).streams();
    }

    @Test
    void pairsTurnByBlocksOrByTurns() {
        var blocks = new RopeConfig.Sections(2, 3, 3, false);
        assertArrayEquals(new int[] {0, 0, 1, 1, 1, 2, 2, 2}, blocks.streams(8));
        var turns = new RopeConfig.Sections(4, 2, 2, true);
        assertArrayEquals(new int[] {0, 1, 2, 0, 1, 2, 0, 0}, turns.streams(8));
    }

    /// Positions that transformers gives sequences with one and two pictures, and with none.
    @Test
    @Tag("fixtures-engine")
    void positionsAreThoseOfTransformers() {
        for (Path folder : Recorded.folders(Fixtures.fixture("vision/models"))) {
            if (!folder.getFileName().toString().startsWith("qwen")) {
                continue;
            }
            int image = Recorded.json(folder.resolve("config.json")).get("image_token_id").asInt();
            try (var file = Recorded.tensors(folder.resolve("expected.safetensors"))) {
                for (String name : List.of("one", "two")) {
                    int[] grids = file.ints(name + ".image_grid_thw");
                    List<SeenPicture> pictures = new ArrayList<>();
                    for (int i = 0; i < grids.length; i += 3) {
                        int columns = grids[i + 2] / 2;
                        int rows = grids[i + 1] / 2 * columns;
                        String key = folder + name + i;
                        pictures.add(new SeenPicture(key, rows, columns, "", () -> null));
                    }
                    int[] ids = SeenPicture.among(file.ints(name + ".input_ids"), image, pictures);
                    int[][] own =
                            streams(ids, List.of(new Layout.Span(-1, 0, ids.length)), List.of());
                    int[] all = IntStream.range(0, 3).flatMap(s -> IntStream.of(own[s])).toArray();
                    assertArrayEquals(file.ints(name + ".position_ids"), all, folder + name);
                }
            }
        }
    }
}
