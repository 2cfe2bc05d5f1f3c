package org.attune.cli.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;

/// What the training service draws, and what ends it.
@Tag("thorough")
class TinkerSamplingTest extends TinkerServer {
    /// Ids of a user's message and of the beginning of the answer.
    private static String prompt() {
        String text =
                "Sort ascending: 3 1 2 4"
                        .chars()
                        .mapToObj(Integer::toString)
                        .collect(Collectors.joining(","));
        return "[257,%s,259,258]".formatted(text);
    }

    private JsonNode sequences(int samples, String params) throws Exception {
        String body =
                """
                {"base_model":"model","num_samples":%d,"prompt":{"chunks":[{"type":"encoded_text","tokens":%s}]},
                "sampling_params":{"max_tokens":12,%s}}\
                """
                        .formatted(samples, prompt(), params);
        JsonNode found = fetch(ask("asample", body)).path("sequences");
        assertEquals(samples, found.size());
        return found;
    }

    private static Set<JsonNode> tokens(JsonNode sequences) {
        Set<JsonNode> all = new HashSet<>();
        sequences.forEach(sequence -> all.add(sequence.path("tokens")));
        return all;
    }

    @Test
    void samplesDifferAndASeedRepeatsThem() throws Exception {
        String seeded = "\"temperature\":2.0,\"seed\":5";
        JsonNode eight = sequences(8, seeded);
        assertTrue(tokens(eight).size() > 4, eight.toString());
        assertEquals(tokens(eight), tokens(sequences(8, seeded)));
        assertEquals(1, tokens(sequences(4, "\"temperature\":0.0")).size());
    }

    @Test
    void aListOfStopsIsAllThatEndsASequence() throws Exception {
        JsonNode usual = sequences(1, "\"temperature\":0.0").path(0);
        assertEquals("stop", usual.path("stop_reason").asText(), usual.toString());
        assertTrue(usual.path("tokens").size() < 12, usual.toString());
        JsonNode endless = sequences(1, "\"temperature\":0.0,\"stop\":[]").path(0);
        assertEquals("length", endless.path("stop_reason").asText(), endless.toString());
        assertEquals(12, endless.path("tokens").size());
        JsonNode two = sequences(1, "\"temperature\":0.0,\"stop\":[\"2\"]").path(0);
        assertEquals("stop", two.path("stop_reason").asText(), two.toString());
        assertTrue(two.path("tokens").size() < usual.path("tokens").size(), two + " of " + usual);
    }
}
