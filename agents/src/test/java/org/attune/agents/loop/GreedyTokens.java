package org.attune.agents.loop;

import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// A tokenizer by the longest piece, or else a character. Some pieces are control tokens, of which
/// the first ends a sequence.
final class GreedyTokens implements Tokenizer {
    private static final int CHARACTERS = 1000;

    private final List<String> controls;
    private final List<String> pieces;

    GreedyTokens(List<String> controls, List<String> others) {
        this.controls = List.copyOf(controls);
        pieces = new ArrayList<>(controls);
        pieces.addAll(others);
    }

    int control(String text) {
        return controls.indexOf(text);
    }

    @Override
    public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
        return encode(text, pieces);
    }

    @Override
    public Encoding encodeAsText(String text) {
        return encode(text, pieces.subList(controls.size(), pieces.size()));
    }

    private Encoding encode(String text, List<String> allowed) {
        List<int[]> tokens = new ArrayList<>();
        for (int at = 0; at < text.length(); ) {
            String best = "";
            for (String piece : allowed) {
                if (piece.length() > best.length() && text.startsWith(piece, at)) {
                    best = piece;
                }
            }
            int end = at + Math.max(1, best.length());
            int id = best.isEmpty() ? CHARACTERS + text.charAt(at) : pieces.indexOf(best);
            tokens.add(new int[] {id, at, end});
            at = end;
        }
        return new Encoding(
                tokens.stream().mapToInt(t -> t[0]).toArray(),
                tokens.stream().mapToInt(t -> t[1]).toArray(),
                tokens.stream().mapToInt(t -> t[2]).toArray());
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        var text = new StringBuilder();
        for (int id : ids) {
            if (id >= CHARACTERS) {
                text.append((char) (id - CHARACTERS));
            } else if (!skipSpecialTokens || id >= controls.size()) {
                text.append(pieces.get(id));
            }
        }
        return text.toString();
    }

    @Override
    public List<String> addedTokens() {
        return controls;
    }

    @Override
    public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String token(int id) {
        return decode(new int[] {id}, false);
    }

    @Override
    public OptionalInt id(String token) {
        int at = pieces.indexOf(token);
        return at < 0 ? OptionalInt.empty() : OptionalInt.of(at);
    }

    @Override
    public OptionalInt bosId() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt eosId() {
        return OptionalInt.of(0);
    }

    @Override
    public OptionalInt padId() {
        return OptionalInt.empty();
    }

    @Override
    public int vocabularySize() {
        return CHARACTERS + Character.MAX_VALUE;
    }

    @Override
    public void close() {}
}
