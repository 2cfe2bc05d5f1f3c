package org.attune.cli.chat;

import org.attune.error.ConfigException;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/// Settings of how answers are sampled, changed by `name=value`.
///
/// @param sampling as it stands
record ChatSettings(SamplingConfig sampling) {
    /// All settings with their values.
    Map<String, Object> values() {
        Distribution d = sampling.distribution();
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("temperature", d.temperature());
        values.put("top_p", d.topP());
        values.put("top_k", d.topK());
        values.put("min_p", d.minP());
        values.put("repetition_penalty", d.repetitionPenalty());
        values.put("max_new_tokens", sampling.maxNewTokens());
        values.put("seed", sampling.seed());
        return values;
    }

    String shown() {
        return values().entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining(" "));
    }

    /// Sets a value.
    ///
    /// @throws ConfigException naming what is accepted
    ChatSettings with(String assignment) {
        int equals = assignment.indexOf('=');
        String name = equals < 0 ? assignment : assignment.substring(0, equals).strip();
        if (equals < 0 || !values().containsKey(name)) {
            throw new ConfigException(
                    "/set %s: accepted: name=value, with one of %s"
                            .formatted(assignment, String.join(", ", values().keySet())));
        }
        String value = assignment.substring(equals + 1).strip();
        try {
            return changed(name, value);
        } catch (NumberFormatException e) {
            throw new ConfigException("/set " + name + ": " + value + "; accepted: a number", e);
        }
    }

    private ChatSettings changed(String name, String value) {
        Distribution d = sampling.distribution();
        return switch (name) {
            case "temperature" -> with(d.withTemperature(Double.parseDouble(value)));
            case "top_p" -> with(d.withTopP(Double.parseDouble(value)));
            case "top_k" -> with(d.withTopK(Integer.parseInt(value)));
            case "min_p" -> with(d.withMinP(Double.parseDouble(value)));
            case "repetition_penalty" -> with(d.withRepetitionPenalty(Double.parseDouble(value)));
            case "max_new_tokens" -> with(d, Integer.parseInt(value), sampling.seed());
            default -> with(d, sampling.maxNewTokens(), Long.parseLong(value));
        };
    }

    /// Gives the next answer its own draws.
    ChatSettings redrawn() {
        return with(sampling.distribution(), sampling.maxNewTokens(), sampling.seed() + 1);
    }

    private ChatSettings with(Distribution distribution) {
        return with(distribution, sampling.maxNewTokens(), sampling.seed());
    }

    private ChatSettings with(Distribution distribution, int maxNewTokens, long seed) {
        return new ChatSettings(
                SamplingConfig.of(distribution, maxNewTokens, sampling.stopIds(), seed)
                        .withStopStrings(sampling.stopStrings()));
    }
}
