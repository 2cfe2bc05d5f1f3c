package org.attune.images;

import org.attune.error.DatasetException;

/// A text whose placeholders are replaced from left to right, and places in it. A placeholder that
/// a user wrote, and that is marked as text, stays.
final class TextExpansion {
    /// What chat templates have before a control token that is text (a Unicode noncharacter).
    private static final char AS_TEXT = '\ufdd0';

    private final String original;
    private final int[] places;
    private final int[] moved;
    private final StringBuilder text = new StringBuilder();
    private int done;
    private int replaced;

    TextExpansion(String original, int[] places) {
        this.original = original;
        this.places = places;
        this.moved = places.clone();
    }

    /// Replaces the next placeholder; does nothing if there is none, which [#finish] tells.
    void replaceNext(String placeholder, String by) {
        int at = next(placeholder, done);
        if (at < 0) {
            return;
        }
        text.append(original, done, at).append(by);
        done = at + placeholder.length();
        replaced++;
        move(done, by.length() - placeholder.length());
    }

    private int next(String placeholder, int from) {
        int at = original.indexOf(placeholder, from);
        while (at > 0 && original.charAt(at - 1) == AS_TEXT) {
            at = original.indexOf(placeholder, at + placeholder.length());
        }
        return at;
    }

    private void move(int from, int by) {
        for (int i = 0; i < places.length; i++) {
            if (places[i] >= from) {
                moved[i] += by;
            }
        }
    }

    /// Requires that there were as many placeholders as pictures.
    void finish(String placeholder, int pictures) {
        int more = 0;
        for (int at = next(placeholder, done);
                at >= 0;
                at = next(placeholder, at + placeholder.length())) {
            more++;
        }
        if (replaced + more < pictures) {
            throw new DatasetException(
                    ("the chat template writes %d times %s for %d pictures: it leaves some out, as"
                                    + " those of tools' answers; show them in a user's message, or"
                                    + " take a template that writes one for each")
                            .formatted(replaced + more, placeholder, pictures));
        }
        if (replaced + more > pictures) {
            throw new DatasetException(
                    ("the text has %d times %s for %d pictures; write a message's content as parts,"
                                    + " {\"type\": \"image\"} where a picture belongs, and don't"
                                    + " use %s in texts")
                            .formatted(replaced + more, placeholder, pictures, placeholder));
        }
    }

    /// Writes something behind the last picture, and a line feed at the end.
    void insertAndEndLine(String inserted) {
        int at = replaced == 0 ? 0 : text.length();
        text.insert(at, inserted);
        move(replaced == 0 ? 0 : done, inserted.length());
        text.append(original, done, original.length()).append('\n');
        done = original.length();
    }

    String text() {
        text.append(original, done, original.length());
        done = original.length();
        return text.toString();
    }

    int[] places() {
        return moved;
    }
}
