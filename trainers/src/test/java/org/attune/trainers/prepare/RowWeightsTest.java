package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.ColumnUse;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Rows that count more or less than others, read from files.
class RowWeightsTest {
    private static final String TEMPLATE =
            "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}.{% else %}A:"
                    + "{% generation %}{{ m.content }}{% endgeneration %}.{% endif %}{% endfor %}"
                    + "{% if add_generation_prompt %}A:{% endif %}";

    @TempDir private Path folder;

    private List<Sample> samples(String lines) throws IOException {
        Path file = folder.resolve("rows.jsonl");
        Files.writeString(file, lines);
        var loader =
                new DatasetLoader(
                        folder,
                        HubCache.of(Map.of(), folder),
                        BadRowPolicy.ERROR,
                        new ColumnUse.RowsOnly(Set.of("weight")));
        var types = EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
        return loader.load(List.of(DatasetSource.of(file.toString())), types).samples();
    }

    private List<PackedRow> rows(Optional<PackingStrategy> packing, String lines)
            throws IOException {
        var options =
                new SftOptions(
                        OptionalInt.of(40),
                        TruncationMode.KEEP_START,
                        Optional.empty(),
                        false,
                        false,
                        packing,
                        Optional.of("weight"));
        var tokenizer =
                new SampleTokenizer(
                        new ByteTokenizer(true),
                        Optional.of(
                                JinjaChatTemplate.compile("test", TEMPLATE, SpecialTokens.none())));
        return new SftPreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(samples(lines), 1)
                .rows();
    }

    private List<PackedRow> rows(String lines) throws IOException {
        return rows(Optional.empty(), lines);
    }

    private String refusal(String lines) {
        return assertThrows(DatasetException.class, () -> rows(lines)).getMessage();
    }

    private static float[] filled(PackedRow row, float weight) {
        float[] weights = new float[row.trainedTokens()];
        Arrays.fill(weights, weight);
        return weights;
    }

    @Test
    void aRowCountsAsItsColumnSays() throws IOException {
        List<PackedRow> rows =
                rows(
                        """
                        {"text": "ab", "weight": 0.5}
                        {"text": "cd", "weight": 1}
                        {"text": "ef", "weight": 2.0}
                        """);
        assertArrayEquals(filled(rows.get(0), 0.5f), rows.get(0).targetWeights());
        assertFalse(rows.get(1).documents().getFirst().isWeighted());
        assertArrayEquals(filled(rows.get(2), 2), rows.get(2).targetWeights());
    }

    @Test
    void theWeightZeroLeavesTheRowOut() throws IOException {
        List<PackedRow> rows =
                rows("{\"text\": \"ab\", \"weight\": 0}\n{\"text\": \"cd\", \"weight\": 3}\n");
        assertEquals(1, rows.size());
        assertEquals(3, rows.getFirst().targetWeights()[0]);
    }

    @Test
    void itMultipliesWhatMessagesWeigh() throws IOException {
        PackedRow row =
                rows("""
                {"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "r", "weight": 0.5}], "weight": 3}
                """)
                        .getFirst();
        assertArrayEquals(new float[] {1.5f, 3}, row.targetWeights()); // r and what follows it
    }

    @Test
    void rowsOfOtherFormatsKeepTheirWeights() throws IOException {
        String alpaca =
                "{\"instruction\": \"q\", \"input\": \"\", \"output\": \"r\", \"weight\": 3}";
        String sharegpt =
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": \"gpt\","
                        + " \"value\": \"r\"}], \"weight\": 3}";
        for (String line : List.of(alpaca, sharegpt)) {
            assertEquals(3, rows(line).getFirst().targetWeights()[0], line);
        }
    }

    @Test
    void packingKeepsWeightsWithTheirTokens() throws IOException {
        String lines =
                "{\"text\": \"ab\", \"weight\": 0.5}\n{\"text\": \"cdefg\", \"weight\": 2}\n";
        for (PackingStrategy strategy : PackingStrategy.values()) {
            List<PackedRow> packed = rows(Optional.of(strategy), lines);
            assertEquals(1, packed.size());
            float[] weights = packed.getFirst().targetWeights();
            Arrays.sort(weights);
            assertEquals(0.5, weights[0], strategy.toString());
            assertEquals(2, weights[weights.length - 1], strategy.toString());
        }
    }

    @Test
    void whatIsNoWeightIsRefusedWithItsPlace() {
        for (String wrong : List.of("-1", "\"0.5\"", "null", "true", "1e39", "[1]")) {
            String message = refusal("{\"text\": \"ab\", \"weight\": " + wrong + "}");
            assertTrue(message.contains("rows.jsonl:1: column weight is "), message);
            assertTrue(message.contains("accepted: a number >= 0"), message);
        }
        assertTrue(refusal("{\"text\": \"ab\", \"weight\": \"0.5\"}").contains("is \"0.5\";"));
        String missing = refusal("{\"text\": \"ab\", \"wieght\": 1}");
        assertTrue(missing.contains("row_weight_column is weight"), missing);
        assertTrue(missing.contains("its columns: text, wieght"), missing);
        String large =
                refusal(
                        """
                        {"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "r", "weight": 1e30}], "weight": 1e30}
                        """);
        assertTrue(large.contains("more than float32 holds"), large);
    }
}
