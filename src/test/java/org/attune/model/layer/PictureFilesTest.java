package org.attune.model.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.pass.Recomputation;
import org.attune.policy.HeadRequest;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// Rows of pictures on disk: who finds which of them, and what is done about bad files.
class PictureFilesTest {
    private static final int IMAGE = 7;
    private static final DecoderConfig SEEING = TinyModels.seeing();

    @TempDir Path folder;

    private static SeenPicture picture(int number) {
        float[] pixels = new float[3 * 8 * 8];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) Math.sin(i * (0.37 + number));
        }
        String key = "picture " + number;
        int[] shape = {1, 3, 8, 8};
        return new SeenPicture(key, 4, () -> new Prepared(pixels, shape, new int[0], 4, key));
    }

    private static TokenForest forest(int number) {
        int[] text = {1, IMAGE, IMAGE, IMAGE, IMAGE, 5, 11, 12};
        int[] ids = SeenPicture.among(text, IMAGE, List.of(picture(number)));
        var builder = TokenForest.builder();
        int segment = builder.root(ids);
        for (int i = 1; i < ids.length; i++) {
            builder.target(segment, i);
        }
        return builder.build();
    }

    /// What a run sees, and how often it encoded a picture for that.
    private record Seen(float[] logProbs, long encoded) {}

    private Seen run(DecoderConfig config, String settings, Predicate<String> trains, int... all) {
        return Engine.call(
                () -> {
                    var options = new Policy.Options(Recomputation.NONE, false, 0, false);
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(config);
                            var policy = Policy.withWeights(decoder, trains, options, false)) {
                        decoder.keepSeen(folder, settings);
                        ParameterSpace parameters = policy.parameters();
                        float[] logProbs = {};
                        for (int number : all) {
                            parameters.valuesChanged(); // as after a step
                            logProbs =
                                    policy.measure(forest(number), HeadRequest.of())
                                            .tokenLogProbs();
                        }
                        return new Seen(logProbs, decoder.picturesEncoded());
                    }
                });
    }

    private Seen run(String settings, int... all) {
        return run(SEEING, settings, name -> name.startsWith("model.text_model.layers"), all);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.sorted().toList();
        }
    }

    @Test
    void aRunReadsWhatAnotherEncoded() throws IOException {
        Seen first = run("a", 1, 2, 1, 2);
        assertEquals(2, first.encoded(), "once each, as nothing of the tower learns");
        assertEquals(2, files().size());
        Seen second = run("a", 1, 2, 3, 2);
        assertEquals(1, second.encoded(), "the third is new");
        assertArrayEquals(first.logProbs(), second.logProbs());
    }

    @Test
    void otherSettingsAndOtherWeightsFindNothing() throws IOException {
        run("a", 1);
        assertEquals(1, run("b", 1).encoded());
        assertEquals(2, files().size());
        run(SEEING, "a", _ -> true, 1, 1);
        assertEquals(2, files().size(), "what learns is written nowhere");
        assertEquals(0, run("a", 1).encoded());
    }

    @Test
    void aTrainedTowerReadsNoFile() {
        run("a", 1);
        assertEquals(2, run(SEEING, "a", _ -> true, 1, 1).encoded());
    }

    @Test
    void aDamagedFileIsMadeAnew() throws IOException {
        float[] right = run("a", 1).logProbs();
        Path file = files().getFirst();
        byte[] whole = Files.readAllBytes(file);
        byte[] bent = whole.clone();
        bent[whole.length - 20] ^= 1; // within the rows, behind which the check stands
        for (byte[] bad : List.of(bent, Arrays.copyOf(whole, whole.length / 2))) {
            Files.write(file, bad);
            Seen again = run("a", 1);
            assertEquals(1, again.encoded());
            assertArrayEquals(right, again.logProbs());
            assertArrayEquals(whole, Files.readAllBytes(file), "written anew");
        }
    }

    @Test
    void whereNothingCanBeWrittenRunsGoOn() throws IOException {
        Path taken = Files.createFile(folder.resolve("taken"));
        folder = taken.resolve("below");
        assertEquals(2, run("a", 1, 2).encoded());
    }

    @Test
    void whatWasUnusedForLongestMakesRoom() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor rows = Tensor.zeros(Device.cpu(), DType.FLOAT32, 4, 1024);
                        new PictureFiles(folder, "t", 1 << 30).write(picture(0), rows);
                        long one = Files.size(files().getFirst());
                        var kept = new PictureFiles(folder, "t", 4 * one);
                        for (int number = 1; number < 4; number++) {
                            kept.write(picture(number), rows);
                            Path newest = kept.file(picture(number));
                            Files.setLastModifiedTime(newest, FileTime.fromMillis(number * 1000L));
                        }
                        assertTrue(kept.read(picture(1), rows).isPresent(), "used last");
                        kept.write(picture(4), rows);
                        assertEquals(3, files().size(), "room for some more");
                        assertTrue(kept.read(picture(1), rows).isPresent());
                        assertTrue(kept.read(picture(2), rows).isEmpty());
                        assertTrue(kept.read(picture(4), rows).isPresent());
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }
}
