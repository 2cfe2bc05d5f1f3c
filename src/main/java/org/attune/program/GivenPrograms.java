package org.attune.program;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.List;

/// Tells of what a run's file has this machine run, before it runs: such a file may come from
/// someone else.
public final class GivenPrograms {
    private static final Logger LOG = LoggerFactory.getLogger(GivenPrograms.class);

    private GivenPrograms() {}

    /// A program will be started.
    ///
    /// @param owner what names it: `tools[0]`
    /// @param command program and arguments
    /// @param directory in which it runs
    public static void tell(String owner, List<String> command, Path directory) {
        LOG.info(
                "{} runs a program, with the rights of this user: {} in {}",
                owner,
                String.join(" ", command),
                directory.toAbsolutePath().normalize());
    }

    /// Code will be compiled and run in this process.
    ///
    /// @param noun what it is: `reward`
    /// @param file source file
    static void tell(String noun, Path file) {
        LOG.info(
                "a {} is compiled and runs in this process: {}",
                noun,
                file.toAbsolutePath().normalize());
    }
}
