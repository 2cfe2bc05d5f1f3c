package org.attune.rollout.source;

import org.attune.error.RolloutException;
import org.attune.images.SeenPicture;
import org.attune.json.Json;
import org.attune.rollout.sampling.Draws;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// What a server is asked for a completion with.
///
/// @param sampling how to sample; its seed is the run's
record ServerRequest(SamplingConfig sampling) {
    /// Tokens for a server.
    ///
    /// @throws RolloutException if rows of pictures are among them, which no server knows
    static int[] text(int[] ids) {
        if (Arrays.stream(ids).anyMatch(SeenPicture::isRow)) {
            throw new RolloutException(
                    "a sequence has pictures, which servers aren't sent; use rows without pictures,"
                            + " or let this process write (use_vllm: false, no teacher's server)");
        }
        return ids;
    }

    /// The request as JSON.
    ///
    /// @param model by its name on the server
    /// @param index of the completion in its round, from which the draws follow
    /// @param prompt token ids
    String json(String model, int index, int[] prompt, long round) {
        Distribution d = sampling.distribution();
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("model", model);
        request.put("prompt", text(prompt));
        request.put("n", 1);
        request.put("max_tokens", sampling.maxNewTokens());
        request.put("temperature", d.temperature());
        request.put("top_p", d.topP());
        request.put("seed", new Draws(sampling.ofBatch(round).seed()).whole(index));
        request.put("logprobs", 1);
        request.put("stream", false);
        request.put("return_token_ids", true);
        // Not in OpenAI's own API, so only where they say something.
        putUnless(0, "top_k", d.topK(), request);
        putUnless(0.0, "min_p", d.minP(), request);
        putUnless(1.0, "repetition_penalty", d.repetitionPenalty(), request);
        putUnless(0.0, "presence_penalty", d.presencePenalty(), request);
        putUnless(0.0, "frequency_penalty", d.frequencyPenalty(), request);
        putUnless(0, "min_tokens", sampling.minNewTokens(), request);
        if (!sampling.stopStrings().isEmpty()) {
            request.put("stop", sampling.stopStrings());
            request.put("include_stop_str_in_output", true);
        }
        request.put("stop_token_ids", sampling.stopIds().stream().sorted().toList());
        return Json.compact(request);
    }

    private static void putUnless(
            Object standard, String key, Object value, Map<String, Object> request) {
        if (!value.equals(standard)) {
            request.put(key, value);
        }
    }
}
