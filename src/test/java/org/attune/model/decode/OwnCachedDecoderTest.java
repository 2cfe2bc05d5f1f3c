package org.attune.model.decode;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Test;

/// Greedy ids with a cache of keys and values against those of the models that are part of the
/// project: windows with a rotary base alone, layers that rotate nothing, LongRoPE whose factors
/// change on the way.
class OwnCachedDecoderTest {
    @Test
    void modelsSayWhatTransformersRecorded() {
        try (var report = new CaseReport("recorded greedy ids", getClass()).requiring(13)) {
            CachedDecoderFixturesTest.compareAll(
                    Fixtures.own("src/test/resources/recorded/models"), report);
        }
    }
}
