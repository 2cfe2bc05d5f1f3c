package org.attune.model.pass;

import org.attune.images.SeenPicture;
import org.attune.images.SeenPicture.Place;

/// Positions of a sequence's tokens in three streams, one token after the other
/// ([Wang et al. 2024, §2.1](https://arxiv.org/abs/2409.12191)). Those of text count on. All rows
/// of a picture stand at its start in time, and go down and right from there in the others. What
/// follows stands behind the largest of these positions.
final class RotaryWalk {
    private int next; // position of the next token of text
    private int start; // of the picture
    private SeenPicture picture; // of the last row of one
    private int row; // last one of the picture
    private int id; // of that row
    private int down;
    private int right;

    /// Before the first token.
    RotaryWalk() {}

    /// The walk up to where another one is.
    RotaryWalk(RotaryWalk other) {
        next = other.next;
        start = other.start;
        picture = other.picture;
        row = other.row;
        id = other.id;
    }

    /// Goes on by a token.
    ///
    /// @param token its id; negative of a picture's row
    void step(int token) {
        if (!SeenPicture.isRow(token)) {
            picture = null;
            start = next++;
            down = 0;
            right = 0;
            return;
        }
        if (picture != null && token == id + 1 && row + 1 < picture.rows()) {
            row++;
        } else {
            Place place = SeenPicture.at(token);
            picture = place.picture();
            row = place.row();
            start = next;
            int columns = columns();
            next = start + Math.max(columns, picture.rows() / columns);
        }
        id = token;
        down = row / columns();
        right = row % columns();
    }

    /// A picture without a grid is one column.
    private int columns() {
        return Math.max(1, picture.columns());
    }

    /// Position that the next token of text has.
    int next() {
        return next;
    }

    /// Position of the last token in time.
    int time() {
        return start;
    }

    /// Position of the last token by its row.
    int down() {
        return start + down;
    }

    /// Position of the last token by its column.
    int right() {
        return start + right;
    }
}
