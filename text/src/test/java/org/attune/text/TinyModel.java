package org.attune.text;

import java.net.URISyntaxException;
import java.nio.file.Path;

/// The tiny model folder of the test resources.
final class TinyModel {
    private TinyModel() {}

    static Path folder() {
        try {
            return Path.of(TinyModel.class.getResource("tiny/tokenizer.json").toURI()).getParent();
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    static HfTokenizer tokenizer() {
        return HfTokenizer.load(folder());
    }
}
