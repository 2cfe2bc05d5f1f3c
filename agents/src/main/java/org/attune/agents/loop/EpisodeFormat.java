package org.attune.agents.loop;

import org.attune.text.ChatTokenizer;
import org.attune.text.parse.TurnParser;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// How messages become tokens, and tokens messages.
///
/// @param chat tokenizer and template
/// @param variables further ones of the template, `chat_template_kwargs`
/// @param codec makes tokens of observations
/// @param parser reads turns
/// @param answers writes what came of calls
public record EpisodeFormat(
        ChatTokenizer chat,
        Map<String, Object> variables,
        TurnCodec codec,
        TurnParser parser,
        AnswerForm answers) {
    public EpisodeFormat {
        variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    }
}
