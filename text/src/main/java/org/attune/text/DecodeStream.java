package org.attune.text;

import java.util.Arrays;

/// Incremental decoding as in the Rust library's `DecodeStream`. The last tokens are decoded again
/// with each new one, and text is given out once it no longer ends in half a character.
final class DecodeStream implements Tokenizer.StreamDecoder {
    private static final String REPLACEMENT = "\ufffd";

    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;

    /// Tokens of the text given out last (the context that the next text needs) and of the text
    /// not yet given out.
    private int[] ids = {};

    /// Text of the first `prefixLength` ids; it has been given out.
    private String prefix = "";

    private int prefixLength;

    DecodeStream(Tokenizer tokenizer, boolean skipSpecialTokens) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
    }

    @Override
    public String push(int id) {
        ids = Arrays.copyOf(ids, ids.length + 1);
        ids[ids.length - 1] = id;
        String text = tokenizer.decode(ids, skipSpecialTokens);
        boolean certain =
                text.length() > prefix.length()
                        && !text.endsWith(REPLACEMENT)
                        && text.startsWith(prefix);
        if (!certain) {
            return "";
        }
        String increment = text.substring(prefix.length());
        ids = Arrays.copyOfRange(ids, prefixLength, ids.length);
        prefix = tokenizer.decode(ids, skipSpecialTokens);
        prefixLength = ids.length;
        return increment;
    }

    @Override
    public String flush() {
        String text = tokenizer.decode(ids, skipSpecialTokens);
        String rest = text.startsWith(prefix) ? text.substring(prefix.length()) : "";
        ids = new int[0];
        prefix = "";
        prefixLength = 0;
        return rest;
    }
}
