package org.attune.images;

import org.attune.error.ConfigException;

import java.util.Locale;

/// Whose arithmetic prepares pictures. Sizes and counts of tokens are equal, values differ by a few
/// levels of 255 where a picture is resized.
public enum ImageBackend {
    /// What `transformers` takes where torchvision is installed.
    TORCHVISION,
    /// Pillow, which `transformers` takes elsewhere, or if asked to (`use_fast=False`).
    PIL;

    /// @param key  that the value belongs to
    /// @param name `torchvision` or `pil`
    /// @throws ConfigException if it is another name
    public static ImageBackend of(String key, String name) {
        for (ImageBackend backend : values()) {
            if (backend.toString().equals(name)) {
                return backend;
            }
        }
        throw ConfigException.about(key, name + " is unknown; accepted: torchvision, pil");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
