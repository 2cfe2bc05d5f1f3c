package org.attune.serve;

import org.attune.rollout.TopTokens;
import org.attune.text.Tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Log-probabilities in the forms of OpenAI's endpoints.
///
/// @param byIds whether tokens are called `token_id:N` instead of by their text
record LogProbForm(Tokenizer tokenizer, boolean byIds) {
    private static final String HALF = "\ufffd";

    /// What a token is called.
    String name(int id) {
        return byIds ? "token_id:" + id : tokenizer.decode(new int[] {id}, false);
    }

    /// An entry of a chat's `logprobs.content`.
    ///
    /// @param most how many of the likeliest tokens it tells
    Map<String, Object> ofChat(AnswerEvent.Token token, int most) {
        Map<String, Object> entry = entry(token.id(), token.logProb(), token.token());
        List<Object> top = new ArrayList<>();
        for (int i = 0; i < Math.min(most, token.top().ids().length); i++) {
            int id = token.top().ids()[i];
            String text = tokenizer.decode(new int[] {id}, false);
            top.add(entry(id, token.top().logProbs()[i], text));
        }
        entry.put("top_logprobs", top);
        return entry;
    }

    /// @param text of which the bytes are; one that holds half a character has none
    private Map<String, Object> entry(int id, float logProb, String text) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("token", name(id));
        entry.put("logprob", number(logProb));
        entry.put("bytes", text.contains(HALF) ? null : bytes(text));
        return entry;
    }

    private static List<Long> bytes(String text) {
        List<Long> bytes = new ArrayList<>();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            bytes.add((long) (b & 0xff));
        }
        return bytes;
    }

    /// JSON has no infinity; OpenAI writes a token that can't come like this.
    static double number(float logProb) {
        return Float.isFinite(logProb) ? (double) logProb : -9999.0;
    }

    /// The likeliest tokens of a place by name, and the one that stands there.
    Map<String, Object> byName(int id, float logProb, TopTokens top) {
        Map<String, Object> named = new LinkedHashMap<>();
        for (int i = 0; i < top.ids().length; i++) {
            put(named, top.ids()[i], top.logProbs()[i]);
        }
        if (java.util.Arrays.stream(top.ids()).noneMatch(other -> other == id)) {
            put(named, id, logProb);
        }
        return named;
    }

    /// Two tokens may have the same text, as halves of characters have; each keeps a place.
    private void put(Map<String, Object> named, int id, float logProb) {
        String name = name(id);
        named.put(named.containsKey(name) ? "token_id:" + id : name, number(logProb));
    }

    /// A place of vLLM's `prompt_logprobs`.
    Map<String, Object> byId(int id, float logProb, TopTokens top) {
        Map<String, Object> places = new LinkedHashMap<>();
        for (int i = 0; i < top.ids().length; i++) {
            places.put(
                    String.valueOf(top.ids()[i]), detail(top.ids()[i], top.logProbs()[i], i + 1));
        }
        places.computeIfAbsent(String.valueOf(id), _ -> detail(id, logProb, 0));
        return places;
    }

    /// @param rank from 1; 0 where it isn't known
    private Map<String, Object> detail(int id, float logProb, int rank) {
        Map<String, Object> detail = new LinkedHashMap<>();
        detail.put("logprob", number(logProb));
        detail.put("rank", rank == 0 ? null : (Long) (long) rank);
        detail.put("decoded_token", tokenizer.decode(new int[] {id}, false));
        return detail;
    }
}
