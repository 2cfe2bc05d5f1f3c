package org.attune.serve;

/// vLLM's `truncate_prompt_tokens`: how many tokens are left of a text that has more.
final class Cuts {
    private static final String KEY = "truncate_prompt_tokens";

    private Cuts() {}

    /// Most tokens that are left; without the key nothing is cut.
    ///
    /// @param most tokens that the model takes
    static int read(Fields body, int most) throws ApiException {
        long asked = body.integer(KEY, -1, most).orElse(Integer.MAX_VALUE);
        if (asked == 0) {
            throw body.bad(KEY, "is 0; accepted: 1 to %d, or -1 for %d".formatted(most, most));
        }
        return asked < 0 ? most : (int) asked;
    }
}
