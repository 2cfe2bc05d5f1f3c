package org.attune.trainers.examples;

import org.attune.error.DatasetException;
import org.attune.images.SeenPicture;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// Refuses cuts that would take rows of pictures away: a model that sees parts of a picture, or
/// none where its question names one, learns to make things up.
final class WholePictures {
    private WholePictures() {}

    /// @param from first token that stays
    /// @param to   one past the last
    /// @throws DatasetException if a row of a picture doesn't stay
    static void require(int[] ids, int from, int to) {
        for (int i = 0; i < ids.length; i++) {
            if (SeenPicture.isRow(ids[i]) && (i < from || i >= to)) {
                throw new DatasetException(
                        "%d tokens, %s of them of pictures, are more than the %d allowed, and pictures aren't cut; set image_settings so that a picture has fewer (%s), or a larger max_length"
                                .formatted(
                                        ids.length,
                                        counts(ids),
                                        to - from,
                                        "{size: {longest_edge: …}} or {max_pixels: …}"));
            }
        }
    }

    /// The tokens of each picture, as `832 + 64`.
    private static String counts(int[] ids) {
        List<Integer> counts = new ArrayList<>();
        for (int id : ids) {
            if (SeenPicture.isRow(id) && SeenPicture.at(id).row() == 0) {
                counts.add(SeenPicture.at(id).picture().rows());
            }
        }
        return counts.stream().map(String::valueOf).collect(Collectors.joining(" + "));
    }
}
