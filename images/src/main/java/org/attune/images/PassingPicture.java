package org.attune.images;

import org.attune.error.DatasetException;

import java.lang.ref.WeakReference;
import java.util.function.Supplier;

/// Makes what an encoder reads of a picture, as long as somebody holds that picture.
record PassingPicture(ImagePipeline pipeline, WeakReference<Picture> picture, boolean alone)
        implements Supplier<ImagePipeline.Prepared> {
    @Override
    public ImagePipeline.Prepared get() {
        Picture held = picture.get();
        if (held == null) {
            throw new DatasetException("a picture is there no more; hold it until it was read");
        }
        return pipeline.prepare(held, alone);
    }

    boolean isGone() {
        return picture.get() == null;
    }
}
