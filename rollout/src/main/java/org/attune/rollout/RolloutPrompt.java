package org.attune.rollout;

import org.attune.text.Message;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A prompt that is to be completed. Those of one group, a prompt that is completed several times,
/// are the same object. A named tuple: equality is identity of the array.
///
/// @param row number of its row in the data, from 0
/// @param ids token ids; do not modify
/// @param messages its turns; empty for a plain text
/// @param columns the row's other columns by name, JSON values
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record RolloutPrompt(
        int row, int[] ids, List<Message> messages, Map<String, Object> columns) {
    public RolloutPrompt {
        messages = List.copyOf(messages);
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
    }

    /// Tokens alone.
    public static RolloutPrompt of(int row, int[] ids) {
        return new RolloutPrompt(row, ids, List.of(), Map.of());
    }

    /// The tokens of each prompt; those of a group are the same array.
    public static List<int[]> idsOf(List<RolloutPrompt> prompts) {
        return prompts.stream().map(RolloutPrompt::ids).toList();
    }
}
