package org.attune.serve;

import org.attune.error.DatasetException;
import org.attune.images.ImagePipeline;
import org.attune.images.Picture;
import org.attune.images.SeenPicture;
import org.attune.text.Tokenizer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Semaphore;

/// Looks at the pictures of a request before anything is generated, on its thread: what is broken
/// or too large is refused by then, so that no pass meets it. Thread-safe.
final class PictureCheck {
    /// As many as one request may have.
    static final int MOST = 64;

    /// Pixels of one: those of a camera are scaled down first. Decoded they take 100 MB.
    static final long MOST_PIXELS = 32L << 20;

    private static final int KEPT = 4096;

    private final ImagePipeline pipeline;
    private final Semaphore places = new Semaphore(2); // decoded pictures are large
    private final Map<String, Boolean> good = new LinkedHashMap<>(); // the oldest make room

    PictureCheck(ImagePipeline pipeline) {
        this.pipeline = pipeline;
    }

    /// @throws ApiException if there are too many, or one can't be read or is too large
    void require(List<Picture> pictures) throws ApiException {
        if (pictures.size() > MOST) {
            throw bad("there are %d pictures; accepted: %d".formatted(pictures.size(), MOST));
        }
        for (int i = 0; i < pictures.size(); i++) {
            try {
                require(pictures.get(i), pictures.size() == 1);
            } catch (DatasetException e) {
                String which = "picture %d of %d, ".formatted(i + 1, pictures.size());
                throw bad((pictures.size() == 1 ? "" : which) + e.getMessage());
            }
        }
    }

    /// The tokens of a prompt with the image token for each row of a picture.
    int[] named(int[] ids, Tokenizer tokenizer) {
        OptionalInt token = tokenizer.id(pipeline.imageToken());
        return token.isEmpty() ? ids : SeenPicture.named(ids, token.getAsInt());
    }

    private void require(Picture picture, boolean alone) {
        synchronized (good) {
            if (good.containsKey(picture.hash())) {
                return;
            }
        }
        if (picture.area() > MOST_PIXELS) {
            throw new DatasetException(
                    "%s has %,d pixels; accepted: %,d"
                            .formatted(picture.name(), picture.area(), MOST_PIXELS));
        }
        places.acquireUninterruptibly();
        try {
            pipeline.prepare(picture, alone);
        } finally {
            places.release();
        }
        synchronized (good) {
            good.put(picture.hash(), true);
            if (good.size() > KEPT) {
                good.remove(good.keySet().iterator().next());
            }
        }
    }

    private static ApiException bad(String why) {
        return ApiException.bad("messages", why);
    }
}
