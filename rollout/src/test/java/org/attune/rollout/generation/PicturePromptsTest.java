package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.SeenPicture;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.testing.TinyVision;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Prompts with pictures: groups encode one once, and no completion names the image token.
class PicturePromptsTest {
    private static final int IMAGE = 7;
    private static Decoder decoder;

    @BeforeAll
    static void load() {
        decoder = Engine.call(() -> TinyModels.decoder(TinyModels.seeing()));
    }

    @AfterAll
    static void close() {
        Engine.run(decoder::close);
    }

    private static int[] prompt(int number) {
        float[] pixels = new float[3 * 8 * 8];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) Math.cos(i * (0.21 + number));
        }
        String key = "prompt " + number;
        int[] shape = {1, 3, 8, 8};
        var picture =
                new SeenPicture(key, 4, () -> new Prepared(pixels, shape, new int[0], 4, key));
        int[] text = {1, IMAGE, IMAGE, IMAGE, IMAGE, 5};
        return SeenPicture.among(text, IMAGE, List.of(picture));
    }

    private static List<SampledCompletion> completed(List<int[]> prompts, SamplingConfig config) {
        return completed(decoder, prompts, config);
    }

    private static List<SampledCompletion> completed(
            Decoder decoder, List<int[]> prompts, SamplingConfig config) {
        return Engine.call(
                () ->
                        new Generator(decoder, Adapter.OFF, Optional.empty(), 3)
                                .generate(prompts, config, SequenceListener.NONE));
    }

    @Test
    void aGroupEncodesItsPictureOnceAndOthersAnswerOtherwise() {
        long before = decoder.picturesEncoded();
        var config = SamplingConfig.of(Distribution.plain(), 12, Set.of(), 11);
        List<int[]> prompts = List.of(prompt(1), prompt(1), prompt(1), prompt(2), prompt(1));
        List<SampledCompletion> all = completed(prompts, config);
        assertEquals(2, decoder.picturesEncoded() - before);
        assertFalse(Arrays.equals(all.get(2).ids(), all.get(3).ids()));
        List<SampledCompletion> alone = completed(List.of(prompt(1)), config);
        assertArrayEquals(alone.getFirst().ids(), all.getFirst().ids());
    }

    /// Rows of a picture see each other, so a prompt that ends in one shares nothing of it.
    @Test
    void promptsThatEndInAPictureAnswerAsAlone() {
        Decoder whole = Engine.call(() -> TinyModels.decoder(TinyVision.whole()));
        try {
            var config = SamplingConfig.of(Distribution.plain(), 12, Set.of(), 11);
            for (int[] ids : List.of(prompt(1), Arrays.copyOf(prompt(1), 5))) {
                int[] alone = completed(whole, List.of(ids), config).getFirst().ids();
                List<int[]> prompts = List.of(ids, prompt(2), ids, ids);
                List<SampledCompletion> all = completed(whole, prompts, config);
                assertArrayEquals(alone, all.getFirst().ids());
            }
            assertEquals(2, whole.picturesEncoded());
        } finally {
            Engine.run(whole::close);
        }
    }

    @Test
    void theImageTokenIsNeverSampled() {
        Map<Integer, Double> bias = Map.of(IMAGE, 1000.0);
        var config = SamplingConfig.of(Distribution.plain(), 20, Set.of(), 3).withLogitBias(bias);
        for (SampledCompletion completion : completed(List.of(prompt(3)), config)) {
            assertTrue(Arrays.stream(completion.ids()).noneMatch(id -> id == IMAGE));
        }
    }

    @Test
    void penaltiesPassOverRowsOfPictures() {
        var distribution = Distribution.plain().withRepetitionPenalty(1.3);
        var config = SamplingConfig.of(distribution, 8, Set.of(), 3);
        assertEquals(8, completed(List.of(prompt(4)), config).getFirst().ids().length);
    }
}
