package org.attune.images;

/// A picture's bytes contradict each other. The reader adds the picture's name.
final class BrokenPictureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BrokenPictureException(String message) {
        super(message);
    }
}
