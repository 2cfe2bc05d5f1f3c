package org.attune.images;

import org.attune.error.DatasetException;
import org.attune.hash.Sha256;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/// A picture as a model sees it. Its rows stand among a sequence's tokens by ids of pictures, all
/// below 0, in the places of the image token. An id follows from the picture's content and the row
/// in it. So whatever compares, shares, caches or counts tokens does so with rows of pictures too:
/// equal text with other pictures differs, and a picture in two sequences is one.
///
/// @param key      tells pictures apart: content and everything that was done to it
/// @param rows     of a decoder that it takes
/// @param columns  how many of them stand side by side in the picture; 0 where they are no grid
/// @param shape    its size and what it is cut into, for people: `640 x 480, 13 tiles of 512 x 512`
/// @param prepared makes what the encoder reads; called whenever the picture is encoded
public record SeenPicture(
        String key,
        int rows,
        int columns,
        String shape,
        Supplier<ImagePipeline.Prepared> prepared) {
    /// Ids from here to −1 are rows of pictures; those below are text of prompts.
    private static final int FIRST_ID = -(1 << 30);

    /// By the last of its ids, which is the one nearest to −2³¹. Ids outlive runs: they cost some
    /// bytes a picture, and tokens that were kept stay valid.
    private static final TreeMap<Integer, SeenPicture> KNOWN = new TreeMap<>();

    private static final int FEW = 1 << 12;

    /// How many are known when those of pictures that are gone are next forgotten.
    private static int most = FEW;

    /// @throws IllegalArgumentException if it has no rows, or they are no whole grid
    public SeenPicture {
        if (rows < 1) {
            throw new IllegalArgumentException(rows + " rows; accepted: at least 1");
        }
        if (columns < 0 || columns > 0 && rows % columns != 0) {
            throw new IllegalArgumentException(
                    "%d rows, %d of them side by side".formatted(rows, columns));
        }
    }

    /// A picture whose rows are no grid.
    public SeenPicture(String key, int rows, Supplier<ImagePipeline.Prepared> prepared) {
        this(key, rows, 0, "", prepared);
    }

    /// A row of a picture.
    ///
    /// @param row from 0
    public record Place(SeenPicture picture, int row) {}

    /// The tokens with rows of pictures in the places of image tokens, in order.
    ///
    /// @param ids of a whole text; not changed
    /// @throws DatasetException if there are more or fewer image tokens than rows
    public static int[] among(int[] ids, int imageToken, List<SeenPicture> pictures) {
        int[] all = ids.clone();
        int place = 0;
        for (SeenPicture picture : pictures) {
            int first = picture.first();
            for (int row = 0; row < picture.rows; row++) {
                place = next(ids, imageToken, place);
                if (place == ids.length) {
                    throw mismatch(ids, imageToken, pictures);
                }
                all[place++] = first + row;
            }
        }
        if (next(ids, imageToken, place) < ids.length) {
            throw mismatch(ids, imageToken, pictures);
        }
        return all;
    }

    private static int next(int[] ids, int token, int from) {
        int place = from;
        while (place < ids.length && ids[place] != token) {
            place++;
        }
        return place;
    }

    private static DatasetException mismatch(int[] ids, int token, List<SeenPicture> pictures) {
        long places = Arrays.stream(ids).filter(id -> id == token).count();
        int rows = pictures.stream().mapToInt(SeenPicture::rows).sum();
        return new DatasetException(
                "the text has %d image tokens (id %d), but its %d pictures take %d"
                        .formatted(places, token, pictures.size(), rows));
    }

    /// Whether tokens are those of a text of which others know image tokens alone: what stands in
    /// the places of rows of pictures is one token everywhere, or these rows.
    ///
    /// @param ids   with rows of pictures, if there are some
    /// @param named with those, or with image tokens
    public static boolean agree(int[] ids, int[] named) {
        if (ids.length != named.length) {
            return false;
        }
        int image = -1;
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] == named[i]) {
                continue;
            }
            if (isRow(ids[i]) && !isRow(named[i]) && (image < 0 || named[i] == image)) {
                image = named[i];
            } else if (textOr(ids[i], -1) != named[i]) {
                return false;
            }
        }
        return true;
    }

    /// The first of the rows that see ahead and stand side by side where `at` is one; else `at`.
    public static int runStart(int[] ids, int at) {
        int start = at;
        while (start > 0 && seesAhead(ids[start]) && seesAhead(ids[start - 1])) {
            start--;
        }
        return start;
    }

    /// One past the last of the rows that see ahead and stand side by side where `at` is one; else
    /// one past `at`.
    public static int runEnd(int[] ids, int at) {
        int end = at + 1;
        while (end < ids.length && seesAhead(ids[end]) && seesAhead(ids[end - 1])) {
            end++;
        }
        return end;
    }

    /// Whether an id is that of a picture's row.
    public static boolean isRow(int id) {
        return id < 0 && id >= FIRST_ID;
    }

    /// Whether a token and its neighbours of this kind see each other in both directions, where the
    /// decoder lets them: rows of pictures, and text of prompts ([#prompt]).
    public static boolean seesAhead(int id) {
        return id < 0;
    }

    /// The tokens of a prompt that sees itself in both directions. Its text gets other ids, so that
    /// whatever shares, cuts or masks sequences knows where the prompt ends.
    ///
    /// @param ids with rows of pictures; not changed
    public static int[] prompt(int[] ids) {
        return Arrays.stream(ids).map(id -> id < 0 ? id : Integer.MIN_VALUE + id).toArray();
    }

    /// How many tokens a sequence begins with that are such a prompt; 0 if there is none.
    public static int promptLength(int[] ids) {
        int length = ids.length;
        while (length > 0 && ids[length - 1] >= FIRST_ID) {
            length--;
        }
        return length;
    }

    /// The token of text with an id, or another in the place of a picture's row.
    public static int textOr(int id, int other) {
        return id >= 0 ? id : isRow(id) ? other : id - Integer.MIN_VALUE;
    }

    /// The tokens with the image token in the places of rows of pictures.
    ///
    /// @param ids not changed
    public static int[] named(int[] ids, int imageToken) {
        return Arrays.stream(ids).map(id -> textOr(id, imageToken)).toArray();
    }

    /// The row that an id names.
    ///
    /// @param id below 0
    public static Place at(int id) {
        synchronized (KNOWN) {
            Map.Entry<Integer, SeenPicture> known = KNOWN.floorEntry(id);
            if (known == null || id - known.getKey() >= known.getValue().rows) {
                throw new IllegalArgumentException("%d is no row of a picture".formatted(id));
            }
            return new Place(known.getValue(), id - known.getKey());
        }
    }

    /// The id of the first row. It follows from the key, so that every process and every run has
    /// the same one; where it would meet another picture's, another try follows from the key too.
    private int first() {
        synchronized (KNOWN) {
            for (int attempt = 0; ; attempt++) {
                int first = drawn(attempt);
                SeenPicture own = KNOWN.get(first);
                if (own != null && own.key.equals(key) && own.rows == rows) {
                    KNOWN.put(first, this); // what the other one reads may be gone
                    return first;
                }
                Map.Entry<Integer, SeenPicture> before = KNOWN.lowerEntry(first + rows);
                if (before == null || before.getKey() + before.getValue().rows <= first) {
                    forgetGone();
                    KNOWN.put(first, this);
                    return first;
                }
            }
        }
    }

    /// Forgets passing pictures that nobody holds. What was computed of their ids stays valid: an
    /// equal picture gets equal ids again.
    private static void forgetGone() {
        if (KNOWN.size() >= most) {
            KNOWN.values()
                    .removeIf(seen -> seen.prepared instanceof PassingPicture p && p.isGone());
            most = Math.max(FEW, 2 * KNOWN.size());
        }
    }

    /// How many pictures are known.
    static int known() {
        synchronized (KNOWN) {
            return KNOWN.size();
        }
    }

    private int drawn(int attempt) {
        byte[] hash = Sha256.of(attempt + ":" + key);
        long number = 0;
        for (int i = 0; i < Long.BYTES - 1; i++) {
            number = number << Byte.SIZE | (hash[i] & 0xff);
        }
        return (int) (FIRST_ID + number % (-(long) FIRST_ID - rows));
    }
}
