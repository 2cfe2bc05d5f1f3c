package org.attune.testing;

import com.fasterxml.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// The cases of `trl/losses.json`: objectives as pure functions, which several tests share.
public final class RecordedLosses {
    private static final Set<String> OBJECTIVES =
            Set.of(
                    "sft",
                    "dpo",
                    "cpo",
                    "orpo",
                    "kto",
                    "reward",
                    "jsd",
                    "grpo",
                    "gmpo",
                    "rloo",
                    "grpo-advantages",
                    "rloo-advantages");

    private RecordedLosses() {}

    /// The cases of one test's objectives. Others' are counted, and those of no test reported.
    public static List<JsonNode> of(CaseReport report, Set<String> objectives) {
        List<JsonNode> own = new ArrayList<>();
        for (JsonNode c : Recorded.json(Fixtures.fixture("trl/losses.json")).get("cases")) {
            String objective = c.get("objective").asText();
            if (objectives.contains(objective)) {
                own.add(c);
            } else if (OBJECTIVES.contains(objective)) {
                report.elsewhere();
            } else {
                report.unsupported(objective + ":" + c.get("name").asText());
            }
        }
        return own;
    }
}
