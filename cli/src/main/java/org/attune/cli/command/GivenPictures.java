package org.attune.cli.command;

import org.attune.error.ConfigException;
import org.attune.images.Picture;

import java.nio.file.Files;
import java.nio.file.Path;

/// Pictures that a user names.
public final class GivenPictures {
    private GivenPictures() {}

    /// The picture in a file, whose header was read.
    ///
    /// @throws ConfigException if there is no such file
    /// @throws org.attune.error.DatasetException if it holds no picture that can be read
    public static Picture read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new ConfigException("there is no picture " + file.toAbsolutePath());
        }
        Picture picture = Picture.at(file.toString(), file.toAbsolutePath().normalize());
        picture.area();
        return picture;
    }
}
