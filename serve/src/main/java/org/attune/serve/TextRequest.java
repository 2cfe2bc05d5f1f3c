package org.attune.serve;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Texts to go on with.
///
/// @param prompts token ids
/// @param format what answers must look like
/// @param echo whether an answer begins with its prompt
/// @param top how many of the likeliest tokens are told; below 0: no log-probabilities
/// @param promptTop how many are told in each place of the prompt, in vLLM's form; below 0: none
/// @param stream how the answer is sent
record TextRequest(
        ServedModel model,
        List<int[]> prompts,
        Sampling sampling,
        FormatRequest format,
        boolean echo,
        int top,
        int promptTop,
        StreamRequest stream) {
    private static final int MOST_PROMPTS = 256;
    private static final int MOST_TOP = 100;
    private static final int STANDARD_TOKENS = 16;

    private static final Set<String> KEYS = keys();

    private static final Map<String, String> REFUSED =
            Map.of(
                    "suffix", "only texts that go on are written",
                    "best_of", "ask for n and choose",
                    "use_beam_search", "tokens are sampled one by one");

    private static Set<String> keys() {
        Set<String> keys = new HashSet<>(Sampling.KEYS);
        keys.addAll(StreamRequest.KEYS);
        keys.addAll(FormatRequest.KEYS);
        keys.addAll(
                List.of(
                        "model",
                        "prompt",
                        "echo",
                        "logprobs",
                        "prompt_logprobs",
                        "add_special_tokens"));
        return Set.copyOf(keys);
    }

    /// Tokens of an answer where the request doesn't say.
    static int standardTokens() {
        return STANDARD_TOKENS;
    }

    static TextRequest read(Fields body, ServedModels models, Call call) throws ApiException {
        body.require(KEYS, REFUSED);
        StreamRequest.refuseStore(body);
        ServedModel model = models.asked(body, Ability.WRITES, call::afterwards);
        boolean echo = body.flag("echo", false);
        FormatRequest format = FormatRequest.read(body);
        int promptTop = body.integer("prompt_logprobs", 0, MOST_TOP, -1);
        return new TextRequest(
                model,
                prompts(body, model),
                FormatRequest.ending(
                        Sampling.read(body, model, echo || promptTop >= 0 ? 0 : 1), format, model),
                format,
                echo,
                body.integer("logprobs", 0, MOST_TOP, -1),
                promptTop,
                StreamRequest.read(body));
    }

    private static List<int[]> prompts(Fields body, ServedModel model) throws ApiException {
        boolean special = body.flag("add_special_tokens", true);
        return new TokenInput("prompt", model, MOST_PROMPTS)
                .read(body, text -> model.tokenizer().encode(text, special), ids -> ids);
    }

    /// Whether the log-probabilities of the prompt's own tokens are told.
    boolean readsPrompt() {
        return promptTop >= 0 || echo && top >= 0;
    }
}
