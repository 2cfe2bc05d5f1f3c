package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.LoadedDataset;
import org.attune.datasets.formats.DatasetInfo;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.LlamaFactorySpec;
import org.attune.files.HubCache;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.PackedRow;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Real data sets, named by their files: everything in the folder loads without a faulty row,
/// and SFT and preference rows are prepared with a real tokenizer.
@Tag("fixtures-text")
class RealDataTest {
    @Test
    void everyFileOfTheFolderLoadsAndIsPrepared() {
        Path folder = Fixtures.data("");
        DatasetInfo info = DatasetInfo.in(folder).orElseThrow();
        try (var assets = TextAssets.load(Fixtures.fixture("trl/model"));
                var report = new CaseReport("fixtures-text", getClass())) {
            var tokenizer = new SampleTokenizer(assets.tokenizer(), assets.template());
            for (LlamaFactorySpec spec : info.datasets().values()) {
                report.run(spec.name(), () -> check(folder, spec, tokenizer));
            }
        }
    }

    private static void check(Path folder, LlamaFactorySpec spec, SampleTokenizer tokenizer) {
        LoadedDataset loaded =
                new DatasetLoader(folder, new HubCache(folder), BadRowPolicy.ERROR)
                        .load(
                                List.of(DatasetSource.of(spec.location())),
                                Set.of(DatasetType.values()));
        assertEquals(List.of(), loaded.skipped());
        assertTrue(loaded.sources().getFirst().format().startsWith("dataset_info.json"));
        int rows = loaded.samples().size();
        if (spec.type() == DatasetType.PREFERENCE) {
            var options = new PreferenceOptions(OptionalInt.empty(), TruncationMode.KEEP_START);
            var pairs =
                    new PreferencePreparation(tokenizer, options, BadRowPolicy.ERROR)
                            .prepare(loaded.samples(), 2);
            assertEquals(rows, pairs.rows().size());
        } else if (spec.type() != DatasetType.UNPAIRED_PREFERENCE) {
            var options =
                    new SftOptions(
                            OptionalInt.empty(),
                            TruncationMode.KEEP_START,
                            Optional.empty(),
                            false,
                            Optional.empty());
            Prepared<PackedRow> prepared =
                    new SftPreparation(tokenizer, options, BadRowPolicy.ERROR)
                            .prepare(loaded.samples(), 2);
            assertEquals(rows, prepared.rows().size());
            assertTrue(prepared.report().trainedTokens() > rows);
        }
    }
}
