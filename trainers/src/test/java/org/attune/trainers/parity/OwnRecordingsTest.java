package org.attune.trainers.parity;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.TextAssets;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.testing.Parity;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/// Runs of TRL that are part of the project, recorded by `trainers/src/test/recorded/make_runs.py`
/// with the embedded model's tokenizer: every step's metrics and the weights at the end, to the
/// tolerances of [Parity].
@Tag("thorough")
class OwnRecordingsTest {
    private static final String FOLDER = "trainers/src/test/resources/recorded";

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.own(FOLDER);
        try (var text = TextAssets.load(Fixtures.own("examples/model"));
                var report = new CaseReport("recorded runs", getClass()).requiring(24)) {
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            ParityFixtureTest.compareAll(root, tokenizer, output, report);
            RolloutParityFixtureTest.compareAll(root, text.tokenizer(), tokenizer, output, report);
        }
    }
}
