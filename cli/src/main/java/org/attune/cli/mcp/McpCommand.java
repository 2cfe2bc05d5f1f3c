package org.attune.cli.mcp;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune mcp [--root FOLDER …]`
@Command(
        name = "mcp",
        description = {
            "Serve a coding agent: train, measure and serve as tools (MCP).",
            "Speaks the Model Context Protocol over standard input and output; an agent's program"
                    + " starts it (docs/mcp.md). Runs are stopped, with a checkpoint, when it"
                    + " goes away."
        })
public final class McpCommand implements Callable<Integer> {
    @Mixin CommonOptions common;

    @Option(
            names = "--root",
            paramLabel = "FOLDER",
            description =
                    "A folder in which files may be read and written; repeatable (default: where"
                            + " it is started).")
    List<Path> roots = List.of(Path.of(""));

    @Option(
            names = "--allow-programs",
            description =
                    "Keys may name programs, which can do anything: rewards and tools in Java,"
                            + " Python or as commands.")
    boolean programs;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintStream printed = System.out;
        // What anything prints would be taken for a message.
        System.setOut(System.err);
        try (var out = new FileOutputStream(FileDescriptor.out)) {
            new McpDoor(Roots.of(roots), programs).serve(System.in, out);
        } finally {
            System.setOut(printed);
        }
        return ExitCodes.DONE;
    }
}
