package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.InterpreterChoice;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.prepare.AnswerPairPreparation.Imitated;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

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

/// TRL's preprocessing for ORPO, CPO and TPO: tokens, labels, truncation, rows that are kept with
/// empty completions.
@Tag("fixtures-trl")
class ReferenceFreeDataFixturesTest {
    private static final long IGNORED = -100;

    @Test
    void preparesRowsAsTrlDoes() throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(Fixtures.fixture("trl/data"))) {
            files = all.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
        try (var assets = TextAssets.load(Fixtures.fixture("trl/model"));
                var report = new CaseReport("fixtures-trl", getClass())) {
            var tokenizer = new SampleTokenizer(assets.tokenizer(), assets.template());
            for (Path file : files) {
                String name = file.getFileName().toString().replace(".json", "");
                if (JsonValues.parse(Files.readString(file), name) instanceof Map<?, ?> fixture) {
                    Object trainer = fixture.get("trainer");
                    if ("orpo".equals(trainer) || "cpo".equals(trainer)) {
                        report.run(name, () -> answerPairs(fixture, tokenizer));
                    } else if ("tpo".equals(trainer)) {
                        report.run(name, () -> triples(fixture, tokenizer));
                    } else {
                        report.elsewhere(); // TrlDataFixturesTest reports what no test knows
                    }
                }
            }
        }
    }

    private static void answerPairs(Map<?, ?> fixture, SampleTokenizer tokenizer) {
        var preparation =
                new AnswerPairPreparation(
                        tokenizer,
                        maxLength(fixture),
                        Imitated.COMPLETION,
                        true,
                        BadRowPolicy.ERROR);
        List<ImitationPair> rows =
                preparation.prepare(samples(fixture, DatasetType.PREFERENCE), 2).rows();
        List<?> expected = (List<?>) fixture.get("prepared");
        assertEquals(expected.size(), rows.size());
        for (int i = 0; i < rows.size(); i++) {
            Map<?, ?> row = (Map<?, ?>) expected.get(i);
            checkSide(row, "chosen", rows.get(i).pair().chosen());
            checkSide(row, "rejected", rows.get(i).pair().rejected());
        }
    }

    private static void checkSide(Map<?, ?> expected, String name, CompletionTokens side) {
        List<Long> ids = longs(side.ids());
        assertEquals(expected.get(name + "_input_ids"), ids);
        List<Long> labels = new ArrayList<>(ids);
        for (int t = 0; t < side.completionStart(); t++) {
            labels.set(t, IGNORED);
        }
        assertEquals(expected.get(name + "_labels"), labels);
    }

    private static void triples(Map<?, ?> fixture, SampleTokenizer tokenizer) {
        var options = new PreferenceOptions(maxLength(fixture), TruncationMode.KEEP_START);
        var preparation = new TriplePreparation(tokenizer, options, true, true, BadRowPolicy.ERROR);
        List<Sample> samples = samples(fixture, DatasetType.TRIPLE_PREFERENCE);
        List<?> tokenized = (List<?>) fixture.get("tokenized");
        for (int i = 0; i < samples.size(); i++) {
            Map<?, ?> row = (Map<?, ?>) tokenized.get(i);
            ImitationPair whole = preparation.whole(samples.get(i));
            assertEquals(row.get("prompt_ids"), longs(whole.imitated().promptIds()));
            assertEquals(row.get("chosen_ids"), longs(whole.pair().chosen().completionIds()));
            assertEquals(row.get("rejected_ids"), longs(whole.pair().rejected().completionIds()));
            assertEquals(row.get("reference_ids"), longs(whole.imitated().completionIds()));
        }
        List<ImitationPair> rows = preparation.prepare(samples, 2).rows();
        List<CompletionTokens> sequences = new ArrayList<>();
        rows.forEach(row -> sequences.add(row.pair().chosen()));
        rows.forEach(row -> sequences.add(row.pair().rejected()));
        rows.forEach(row -> sequences.add(row.imitated()));
        Map<?, ?> batch = (Map<?, ?>) fixture.get("batch");
        List<?> ids = (List<?>) batch.get("input_ids");
        assertEquals(ids.size(), sequences.size());
        for (int i = 0; i < sequences.size(); i++) {
            CompletionTokens sequence = sequences.get(i);
            assertEquals(
                    ((List<?>) ids.get(i)).subList(0, sequence.length()), longs(sequence.ids()));
            long completion =
                    ((List<?>) ((List<?>) batch.get("completion_mask")).get(i))
                            .stream().mapToLong(v -> (Long) v).sum();
            assertEquals(completion, sequence.completionIds().length);
        }
    }

    private static OptionalInt maxLength(Map<?, ?> fixture) {
        return ((Map<?, ?>) fixture.get("config")).get("max_length") instanceof Long length
                ? OptionalInt.of(Math.toIntExact(length))
                : OptionalInt.empty();
    }

    private static List<Sample> samples(Map<?, ?> fixture, DatasetType type) {
        var source =
                new DatasetSource(
                        "rows", Optional.empty(), Optional.empty(), SplitSpec.TRAIN, Map.of());
        var samples = new ArrayList<Sample>();
        for (Object value : (List<?>) fixture.get("rows")) {
            @SuppressWarnings("unchecked") // JSON objects have string keys
            var row =
                    new Row((Map<String, Object>) value, new RowOrigin("rows", 0, samples.size()));
            samples.add(
                    new InterpreterChoice(source, Optional.empty(), Set.of(type))
                            .of(row)
                            .read(row));
        }
        return samples;
    }

    private static List<Long> longs(int[] values) {
        return Arrays.stream(values).mapToObj(value -> (long) value).toList();
    }
}
