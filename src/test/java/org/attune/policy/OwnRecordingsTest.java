package org.attune.policy;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Test;

/// The same comparisons on recordings that are part of the project, made by
/// `src/test/recorded/make_models.py`: logits and hidden states to 1e-4, losses and merged
/// weights to 1e-5, gradients to 1e-5 and 3e-5 of themselves, greedy tokens exactly.
class OwnRecordingsTest {
    private static final String FOLDER = "src/test/resources/recorded/";

    @Test
    void modelsComputeWhatTransformersRecorded() {
        try (var report = new CaseReport("recorded models", getClass()).requiring(18)) {
            RecordedModelsTest.compareAll(Fixtures.own(FOLDER + "models"), report);
        }
    }

    @Test
    void adaptersComputeWhatPeftRecorded() {
        try (var report = new CaseReport("recorded adapters", getClass()).requiring(13)) {
            RecordedAdaptersTest.compareAll(Fixtures.own(FOLDER + "adapters"), report);
        }
    }
}
