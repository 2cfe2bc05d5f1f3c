package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.images.ImagePipeline;
import org.attune.images.SeenPicture;
import org.attune.json.Json;
import org.attune.testing.Fixtures;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/// Rows with pictures as TRL's collator makes them: token ids, and what counts in the loss.
@Tag("fixtures-trl")
final class PictureRowsFixturesTest {
    @TempDir Path folder;

    private List<Sample> samples(String run, BadRowPolicy onBadRow) throws IOException {
        Path data = folder.resolve("data.jsonl");
        Files.copy(Fixtures.fixture("vision/trl/" + run).resolve("data.jsonl"), data);
        try (Stream<Path> pictures = Files.list(Fixtures.fixture("vision/images"))) {
            String rows = Files.readString(data);
            for (Path picture : pictures.toList()) {
                if (rows.contains("\"" + picture.getFileName() + "\"")) {
                    Files.copy(picture, folder.resolve(picture.getFileName()));
                }
            }
        }
        return load(data, onBadRow);
    }

    private List<Sample> load(Path data, BadRowPolicy onBadRow) {
        return new DatasetLoader(folder, new HubCache(folder), onBadRow)
                .seeing(true)
                .load(
                        List.of(DatasetSource.of(data.toString())),
                        Set.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION))
                .samples();
    }

    private static Prepared<PackedRow> prepared(
            List<Sample> samples, SftOptions options, BadRowPolicy onBadRow) {
        return prepared(samples, options, onBadRow, ImagePipeline.Options.DEFAULT);
    }

    private static Prepared<PackedRow> prepared(
            List<Sample> samples,
            SftOptions options,
            BadRowPolicy onBadRow,
            ImagePipeline.Options images) {
        return prepared("idefics3", samples, options, onBadRow, images);
    }

    private static Prepared<PackedRow> prepared(
            String family,
            List<Sample> samples,
            SftOptions options,
            BadRowPolicy onBadRow,
            ImagePipeline.Options images) {
        Path model = Fixtures.fixture("vision/models/" + family);
        try (TextAssets text = TextAssets.load(model)) {
            SampleTokenizer tokenizer =
                    new SampleTokenizer(text.tokenizer(), text.template())
                            .seeing(ImagePipeline.open(model, images).orElseThrow());
            return new SftPreparation(tokenizer, options, onBadRow).prepare(samples, 1);
        }
    }

    private static SftOptions most(int length) {
        SftOptions given = SftOptions.DEFAULTS;
        return new SftOptions(
                OptionalInt.of(length),
                given.truncationMode(),
                given.completionOnlyLoss(),
                false,
                Optional.empty());
    }

    private static SftOptions counting(boolean imageTokens) {
        SftOptions given = SftOptions.DEFAULTS;
        return new SftOptions(
                given.maxLength(),
                given.truncationMode(),
                given.completionOnlyLoss(),
                given.assistantOnlyLoss(),
                imageTokens,
                given.packing(),
                given.rowWeightColumn());
    }

    /// TRL trains them where it trains on whole conversations.
    @ParameterizedTest
    @ValueSource(strings = {"sft-idefics3-lora", "sft-idefics3-two-images", "sft-idefics3-mixed"})
    void placesOfPicturesAreNoTargets(String run) throws IOException {
        List<Sample> samples = samples(run, BadRowPolicy.ERROR);
        List<PackedRow> rows = prepared(samples, SftOptions.DEFAULTS, BadRowPolicy.ERROR).rows();
        List<PackedRow> all = prepared(samples, counting(true), BadRowPolicy.ERROR).rows();
        int pictures = 0;
        for (int i = 0; i < rows.size(); i++) {
            SftExample row = rows.get(i).documents().getFirst();
            int seen = (int) Arrays.stream(row.ids()).filter(SeenPicture::isRow).count();
            int whole = all.get(i).documents().getFirst().trainedTokens();
            assertEquals(whole - seen, row.trainedTokens(), run + ", row " + i);
            pictures += seen;
        }
        assertTrue(pictures > 0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sft-idefics3-lora",
                "sft-idefics3-two-images",
                "sft-idefics3-mixed",
                "sft-idefics3-completion-only"
            })
    void rowsAreTrls(String run) throws IOException {
        JsonNode recorded =
                Json.MAPPER.readTree(
                        Files.readString(
                                Fixtures.fixture("vision/trl/" + run).resolve("config.json")));
        JsonNode batch =
                Json.MAPPER.readTree(
                        Files.readString(
                                Fixtures.fixture("vision/trl/" + run).resolve("batch.json")));
        List<PackedRow> rows =
                prepared(samples(run, BadRowPolicy.ERROR), counting(true), BadRowPolicy.ERROR)
                        .rows();
        int compared = 0;
        for (JsonNode trained : recorded.path("trained_tokens")) {
            SftExample row = rows.get(compared).documents().getFirst();
            int[] ids =
                    Json.MAPPER.convertValue(batch.path("input_ids").get(compared), int[].class);
            JsonNode mask = batch.path("attention_mask").get(compared);
            List<Integer> read = new ArrayList<>();
            for (int i = 0; i < ids.length; i++) {
                if (mask.get(i).intValue() == 1) {
                    read.add(ids[i]);
                }
            }
            int image = 601;
            assertArrayEquals(
                    read.stream().mapToInt(Integer::intValue).toArray(),
                    Arrays.stream(row.ids())
                            .map(id -> SeenPicture.isRow(id) ? image : id)
                            .toArray(),
                    run + ", row " + compared);
            assertEquals(trained.intValue(), row.trainedTokens(), run + ", row " + compared);
            compared++;
        }
        assertTrue(compared > 1);
    }

    /// What sees the answer's tokens ahead of it must not be trained to predict them.
    @ParameterizedTest
    @ValueSource(strings = {"sft-idefics3-lora", "sft-idefics3-completion-only"})
    void answersAloneAreTrainedWherePromptsSeeThemselves(String run) throws IOException {
        List<Sample> samples = samples(run, BadRowPolicy.ERROR);
        for (Optional<Boolean> completions :
                List.of(Optional.of(false), Optional.<Boolean>empty())) {
            SftOptions given = SftOptions.DEFAULTS;
            var options =
                    new SftOptions(
                            given.maxLength(),
                            given.truncationMode(),
                            completions,
                            false,
                            Optional.empty());
            List<PackedRow> rows =
                    prepared(
                                    "paligemma",
                                    samples,
                                    options,
                                    BadRowPolicy.ERROR,
                                    ImagePipeline.Options.DEFAULT)
                            .rows();
            assertEquals(samples.size(), rows.size());
            for (PackedRow row : rows) {
                SftExample one = row.documents().getFirst();
                int prompt = SeenPicture.promptLength(one.ids());
                assertTrue(prompt > 16, "a picture and words");
                assertEquals(one.length() - prompt, one.trainedTokens());
            }
        }
    }

    @Test
    void rowsWhosePicturesDoNotFitAreRefusedWithThePlaceAndTheKey() throws IOException {
        List<Sample> samples = samples("sft-idefics3-lora", BadRowPolicy.ERROR);
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> prepared(samples, most(30), BadRowPolicy.ERROR))
                        .getMessage();
        assertTrue(message.contains("data.jsonl:1: 58 tokens, 20 of them of pictures"), message);
        assertTrue(message.contains("image_settings") && message.contains("max_length"), message);
        var smaller =
                new ImagePipeline.Options(
                        ImagePipeline.Backend.PIL, Map.of("size", Map.of("longest_edge", 32)));
        Prepared<PackedRow> fitting = prepared(samples, most(30), BadRowPolicy.ERROR, smaller);
        assertEquals(8, fitting.rows().size());
    }

    /// What lies behind the last picture may be cut, as of any row.
    @Test
    void textBehindPicturesIsCut() throws IOException {
        List<Sample> samples = samples("sft-idefics3-lora", BadRowPolicy.ERROR);
        Prepared<PackedRow> cut = prepared(samples, most(50), BadRowPolicy.ERROR);
        assertEquals(8, cut.report().truncated().size());
    }

    @Test
    void rowsWithoutTheirPicturesAreSkippedIfThatIsWanted() throws IOException {
        samples("sft-idefics3-lora", BadRowPolicy.ERROR);
        Path data = folder.resolve("data.jsonl");
        Files.writeString(
                data,
                Files.readString(data)
                        .replace("jpeg-420.jpg", "gone.jpg")
                        .replace("png-square.png", "text.png"));
        Files.writeString(folder.resolve("text.png"), "no picture");
        String missing =
                assertThrows(DatasetException.class, () -> load(data, BadRowPolicy.ERROR))
                        .getMessage();
        assertTrue(missing.contains("data.jsonl:3: images[0]"), missing);
        List<Sample> found = load(data, BadRowPolicy.SKIP);
        assertEquals(7, found.size());
        String broken =
                assertThrows(
                                DatasetException.class,
                                () -> prepared(found, SftOptions.DEFAULTS, BadRowPolicy.ERROR))
                        .getMessage();
        assertTrue(broken.contains("data.jsonl:2: images[0] (text.png)"), broken);
        assertEquals(6, prepared(found, SftOptions.DEFAULTS, BadRowPolicy.SKIP).rows().size());
    }
}
