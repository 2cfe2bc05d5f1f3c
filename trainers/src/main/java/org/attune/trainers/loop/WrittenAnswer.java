package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.LinkedHashMap;
import java.util.Map;

/// What the policy writes for a held-out row's prompt, beside the row's own answers.
///
/// @param row its place in the evaluation set, from 0
/// @param prompt as the model reads it, with special tokens
/// @param given the row's answers by name, as `chosen`
/// @param written by the policy, which takes the likeliest token each time
@Api(EXPERIMENTAL)
public record WrittenAnswer(int row, String prompt, Map<String, String> given, String written) {
    public WrittenAnswer {
        given = new LinkedHashMap<>(given);
    }
}
