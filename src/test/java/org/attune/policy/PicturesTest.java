package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.error.DatasetException;
import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.attune.testing.TinyVision;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/// Pictures among the rows of a forest: what is shared and what learns, and how often a picture is
/// encoded.
class PicturesTest {
    private static final int IMAGE = 7;

    private static final int[] TEXT = {
        1, 5, IMAGE, IMAGE, IMAGE, IMAGE, 6, IMAGE, IMAGE, IMAGE, IMAGE, 8, 9, 3, 4
    };

    /// Two tiles.
    private static SeenPicture picture(int number) {
        float[] pixels = new float[2 * 3 * 8 * 8];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) Math.sin(i * (0.37 + number));
        }
        String key = "picture " + number;
        return new SeenPicture(
                key, 8, () -> new Prepared(pixels, new int[] {2, 3, 8, 8}, new int[0], 8, key));
    }

    private static int[] row(int number, int... rest) {
        int[] ids = SeenPicture.among(TEXT, IMAGE, List.of(picture(number)));
        return IntStream.concat(Arrays.stream(ids), Arrays.stream(rest)).toArray();
    }

    private static TokenForest forest(boolean shares, int[]... rows) {
        var builder = TokenForest.builder();
        for (SequenceTree.Path path : SequenceTree.add(builder, List.of(rows), shares)) {
            for (int i = 1; i < path.length(); i++) {
                path.target(i);
            }
        }
        return builder.build();
    }

    @Test
    void equalTextWithDifferentPicturesSharesNoRowOfThem() {
        TokenForest same = forest(true, row(1, 11, 12), row(1, 13, 14));
        assertEquals(TEXT.length + 1 + 1, same.size(), "rows where the picture is one");
        TokenForest other = forest(true, row(1, 11, 12), row(2, 11, 12));
        assertEquals(2 * (TEXT.length + 1), other.size(), "rows where pictures differ");
        assertNotEquals(row(1)[2], row(2)[2]);
    }

    @Test
    void lossAndGradientsOfSharedRowsAreThoseOfSeparateOnes() {
        int[][] rows = {row(1, 11, 12), row(1, 13), row(2, 11, 12)};
        withDecoder(
                (decoder, policy) -> {
                    Map<String, float[]> shared = gradients(policy, forest(true, rows));
                    Map<String, float[]> apart = gradients(policy, forest(false, rows));
                    apart.forEach((name, g) -> assertClose(name, g, shared.get(name), 1e-5, 1e-4));
                    boolean all = apart.values().stream().allMatch(PicturesTest::isSome);
                    assertTrue(all, "every weight learns, those of the tower too");
                });
    }

    @Test
    void aPictureIsEncodedOnceAsLongAsWeightsStay() {
        withDecoder(
                (decoder, policy) -> {
                    TokenForest forest = forest(true, row(1, 11, 12), row(1, 13), row(2, 11));
                    policy.measure(forest, HeadRequest.of());
                    policy.measure(forest(false, row(2, 5), row(1, 6)), HeadRequest.of());
                    assertEquals(2, decoder.picturesEncoded());
                    policy.parameters().valuesChanged();
                    policy.measure(forest, HeadRequest.of());
                    assertEquals(4, decoder.picturesEncoded());
                });
    }

    /// Only where an adapter of the encoder drops its inputs, each evaluation sees a picture anew.
    @Test
    void droppedInputsOfTheEncoderAreDrawnForEachEvaluation() {
        var options = new Policy.Options(Recomputation.NONE, true, 0, true);
        for (String where : List.of(".*vision_model.*_proj", ".*text_model.*_proj")) {
            boolean sees = where.contains("vision");
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                var decoder = TinyModels.decoder(TinyModels.seeing());
                                var policy = Outcome.lora(decoder, dropping(where), options)) {
                            TokenForest forest = forest(true, row(1, 11, 12), row(1, 13));
                            float[] first = evaluated(policy, forest);
                            float[] second = evaluated(policy, forest);
                            assertFalse(Arrays.equals(first, second), "other masks");
                            assertEquals(sees ? 2 : 1, decoder.picturesEncoded(), where);
                            float[] whole =
                                    policy.measure(forest, HeadRequest.of()).tokenLogProbs();
                            assertArrayEquals(
                                    whole,
                                    policy.measure(forest, HeadRequest.of()).tokenLogProbs(),
                                    "nothing is dropped of what is measured");
                            assertEquals(sees ? 3 : 1, decoder.picturesEncoded(), where);
                        }
                    });
        }
    }

    private static LoraConfig dropping(String where) {
        return Outcome.adapter(new ModuleSelection.Regex(where), 0.5, Map.of());
    }

    private static float[] evaluated(Policy policy, TokenForest forest) {
        try (var _ = TensorScope.open("step");
                var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            return evaluation.measurement().tokenLogProbs();
        }
    }

    /// All pixels of tiles of the first part are 0, so the others alone teach the first matrix.
    @Test
    void tilesBeyondTheFirstPartTeach() {
        int tiles = 130;
        float[] pixels = new float[tiles * 3 * 8 * 8];
        for (int i = 128 * 3 * 8 * 8; i < pixels.length; i++) {
            pixels[i] = (float) Math.sin(i * 0.37);
        }
        int[] shape = {tiles, 3, 8, 8};
        var large =
                new SeenPicture(
                        "large",
                        tiles * 4,
                        () -> new Prepared(pixels, shape, new int[0], tiles * 4, "large"));
        int[] text = new int[tiles * 4 + 3];
        Arrays.fill(text, 1, tiles * 4 + 1, IMAGE);
        text[text.length - 1] = 5;
        int[] ids = SeenPicture.among(text, IMAGE, List.of(large));
        var builder = TokenForest.builder();
        builder.target(builder.root(ids), ids.length - 1);
        withDecoder(
                TinyModels.seeing(),
                (_, policy) -> {
                    TokenForest forest = builder.build();
                    String name = "model.vision_model.embeddings.patch_embedding.weight";
                    var p =
                            policy.parameters().parameters().stream()
                                    .filter(own -> own.name().equals(name))
                                    .findFirst()
                                    .orElseThrow();
                    float[] own = gradients(policy, forest).get(name);
                    int at = largest(own);
                    double expected = difference(policy, forest, p, at);
                    assertTrue(Math.abs(expected) > 1e-4, "it matters: " + expected);
                    assertClose(name, expected, own[at], 1e-4, 5e-2);
                });
    }

    private static int largest(float[] numbers) {
        return IntStream.range(0, numbers.length)
                .reduce(0, (a, b) -> Math.abs(numbers[b]) > Math.abs(numbers[a]) ? b : a);
    }

    @Test
    void gradientsAreThoseOfDifferences() {
        withDecoder(
                TinyModels.seeing(),
                (_, policy) -> {
                    TokenForest forest = forest(true, row(1, 11, 12), row(2, 13));
                    Map<String, float[]> gradients = gradients(policy, forest);
                    for (var p : policy.parameters().parameters()) {
                        boolean sees =
                                p.name()
                                        .matches(
                                                ".*(vision_model|vision_tower|connector|projector).*");
                        if (sees && !p.name().contains("layers.0")) {
                            float[] own = gradients.get(p.name());
                            int at = own.length / 3;
                            double expected = difference(policy, forest, p, at);
                            assertClose(p.name(), expected, own[at], 2e-2, 2e-2);
                        }
                    }
                });
    }

    /// A prompt that sees itself is one whole: what begins alike and goes on otherwise isn't
    /// shared.
    @Test
    void promptsThatSeeThemselvesAreSharedWhole() {
        int[][] rows = {
            asked(row(1), 11, 12), asked(row(1), 13), asked(row(2), 11, 12), asked(row(1, 9), 11)
        };
        withDecoder(
                TinyVision.prompts(),
                (_, policy) -> {
                    Map<String, float[]> shared = gradients(policy, forest(true, rows));
                    Map<String, float[]> apart = gradients(policy, forest(false, rows));
                    apart.forEach((name, g) -> assertClose(name, g, shared.get(name), 1e-5, 1e-4));
                    assertTrue(apart.values().stream().allMatch(PicturesTest::isSome));
                });
        int alone = forest(true, rows[0]).size();
        assertEquals(alone, forest(true, rows[0], rows[1]).size(), "one prompt");
        assertEquals(
                alone + forest(true, rows[3]).size(),
                forest(true, rows[0], rows[3]).size(),
                "two prompts");
    }

    @Test
    void promptsThatSeeThemselvesAreReadAtOnce() {
        withDecoder(
                TinyVision.prompts(),
                (decoder, policy) -> {
                    for (int more : new int[] {0, CachedDecoder.CHUNK}) {
                        int[] text = IntStream.range(0, more).map(i -> 8 + i % 20).toArray();
                        int[] ids = asked(row(1, text), 11, 12, 3);
                        TokenForest forest = forest(false, ids);
                        float[] all = policy.measure(forest, HeadRequest.of()).tokenLogProbs();
                        assertClose("next", all[all.length - 1], cached(decoder, ids), 1e-4, 0);
                    }
                });
    }

    private static int[] asked(int[] prompt, int... answer) {
        int[] ids = SeenPicture.prompt(prompt);
        return IntStream.concat(Arrays.stream(ids), Arrays.stream(answer)).toArray();
    }

    /// Of a picture of two tiles, whose lines are shrunk, beside one that isn't cut.
    @Test
    void whatEndsALineLearns() {
        int[] text = {1, 5, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, 6, 8, 9};
        int[] whole = {1, IMAGE, IMAGE, IMAGE, IMAGE, IMAGE, 6, 8};
        int[] cut = SeenPicture.among(text, IMAGE, List.of(tiles(3, 7, 8, 16, 1, 2)));
        int[] alone = SeenPicture.among(whole, IMAGE, List.of(tiles(1, 5, 8, 16, 0, 0)));
        withDecoder(
                TinyVision.lines(),
                (_, policy) -> {
                    TokenForest forest = forest(true, cut, alone);
                    Map<String, float[]> gradients = gradients(policy, forest);
                    for (var p : policy.parameters().parameters()) {
                        if (p.name().matches(".*(image_newline|projector|layers.1.*fc).*")) {
                            float[] own = gradients.get(p.name());
                            int at = own.length / 3;
                            double expected = difference(policy, forest, p, at);
                            assertClose(p.name(), expected, own[at], 2e-2, 2e-2);
                            assertTrue(isSome(own), p.name());
                        }
                    }
                    assertTrue(gradients.containsKey("model.image_newline"));
                });
    }

    private static SeenPicture tiles(int tiles, int rows, int... grid) {
        float[] pixels = new float[tiles * 3 * 8 * 8];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) Math.sin(i * 0.37);
        }
        String key = "tiles " + tiles;
        int[] shape = {tiles, 3, 8, 8};
        return new SeenPicture(key, rows, () -> new Prepared(pixels, shape, grid, rows, key));
    }

    /// Pictures side by side see each other, so a beginning ends before the first of them.
    @Test
    void picturesSideBySideAreShared() {
        int[][] rows = {pair(1, 2, 11, 12), pair(1, 3, 11, 12), pair(1, 2, 11, 13), pair(1, 2)};
        withDecoder(
                (_, policy) -> {
                    Map<String, float[]> shared = gradients(policy, forest(true, rows));
                    Map<String, float[]> apart = gradients(policy, forest(false, rows));
                    apart.forEach((name, g) -> assertClose(name, g, shared.get(name), 1e-5, 1e-4));
                });
        int once = forest(true, pair(1, 2, 11, 12), pair(1, 2, 11, 13)).size();
        assertEquals(pair(1, 2, 11).length, once, "rows where both pictures are shared");
    }

    private static int[] pair(int first, int second, int... rest) {
        int[] text = new int[9 + 16];
        Arrays.fill(text, 9, text.length, IMAGE);
        int[] ids = SeenPicture.among(text, IMAGE, List.of(picture(first), picture(second)));
        return IntStream.concat(Arrays.stream(ids), Arrays.stream(rest)).toArray();
    }

    @Test
    void cachesHoldWhatForestsCompute() {
        withDecoder((decoder, policy) -> cacheAgrees(decoder, policy, 0));
    }

    /// A piece of a long prompt ends before a picture whose rows see each other.
    @Test
    void aPictureIsReadAtOnce() {
        withDecoder(
                TinyVision.whole(),
                (decoder, policy) -> cacheAgrees(decoder, policy, CachedDecoder.CHUNK - 4));
    }

    private static void cacheAgrees(Decoder decoder, Policy policy, int before) {
        IntStream text = IntStream.range(0, before).map(i -> 8 + i % 20);
        int[] ids = IntStream.concat(text, Arrays.stream(row(1, 11, 12, 3))).toArray();
        float[] all = policy.measure(forest(false, ids), HeadRequest.of()).tokenLogProbs();
        assertClose("next", all[all.length - 1], cached(decoder, ids), 1e-4, 0);
    }

    private static double cached(Decoder decoder, int[] ids) {
        int last = ids.length - 1;
        try (var cache = new KvCache(decoder, 1, ids.length)) {
            var reader = new CachedDecoder(decoder, Adapter.OFF);
            Tensor logits = reader.prefill(cache, 0, Arrays.copyOf(ids, last)).reshape(-1);
            return logits.logSoftmax(0).toFloats()[ids[last]];
        }
    }

    @Test
    void textAndPicturesMustAgree() {
        var few = List.of(new SeenPicture("few", 4, () -> null));
        var error = assertThrows(DatasetException.class, () -> SeenPicture.among(TEXT, IMAGE, few));
        assertEquals(
                "the text has 8 image tokens (id 7), but its 1 pictures take 4",
                error.getMessage());
        assertThrows(DatasetException.class, () -> SeenPicture.among(TEXT, IMAGE, List.of()));
    }

    private static double difference(
            Policy policy, TokenForest forest, ParameterSpace.Parameter p, int at) {
        double step = 2e-2;
        double[] losses = new double[2];
        for (int side = 0; side < 2; side++) {
            move(policy, p, at, side == 0 ? step : -step);
            losses[side] = loss(policy.measure(forest, HeadRequest.of()).tokenLogProbs());
            move(policy, p, at, side == 0 ? -step : step);
        }
        return (losses[0] - losses[1]) / (2 * step);
    }

    private static void move(Policy policy, ParameterSpace.Parameter p, int at, double by) {
        try (var _ = TensorScope.open("move")) {
            Tensor value = policy.parameters().value(p).reshape(-1).narrow(0, at, 1);
            value.copyInPlace(value.add(by));
            policy.parameters().valuesChanged();
        }
    }

    private static double loss(float[] logProbs) {
        double sum = 0;
        for (float l : logProbs) {
            sum -= l;
        }
        return sum / logProbs.length;
    }

    private static Map<String, float[]> gradients(Policy policy, TokenForest forest) {
        policy.parameters().gradients().zeroInPlace();
        try (var _ = TensorScope.open("step");
                var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            float[] slopes = new float[evaluation.measurement().tokenLogProbs().length];
            Arrays.fill(slopes, -1f / slopes.length);
            evaluation.backward(slopes);
            Map<String, float[]> all = new LinkedHashMap<>();
            for (var p : policy.parameters().parameters()) {
                all.put(p.name(), policy.parameters().gradient(p).toFloats());
            }
            return all;
        }
    }

    private static boolean isSome(float[] numbers) {
        return IntStream.range(0, numbers.length).anyMatch(i -> numbers[i] != 0);
    }

    /// Of a causal decoder, and of one in which rows of a picture see each other.
    private static void withDecoder(BiConsumer<Decoder, Policy> use) {
        withDecoder(TinyModels.seeing(), use);
        withDecoder(TinyVision.whole(), use);
    }

    private static void withDecoder(DecoderConfig config, BiConsumer<Decoder, Policy> use) {
        var options = new Policy.Options(Recomputation.NONE, false, 0, false);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(config);
                            var policy = Policy.withAllWeights(decoder, options)) {
                        use.accept(decoder, policy);
                    }
                });
    }
}
