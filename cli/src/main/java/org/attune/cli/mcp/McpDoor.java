package org.attune.cli.mcp;

import org.attune.trainers.report.Versions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Serves one client of the Model Context Protocol, with all tools.
///
/// @param roots folders that may be read and written
/// @param programs whether a run's keys may name programs
record McpDoor(Roots roots, boolean programs) {
    private static final Logger LOG = LoggerFactory.getLogger(McpDoor.class);

    /// Answers until the client goes away. Then runs are stopped with a checkpoint, and servers are
    /// closed.
    ///
    /// @param out takes messages and nothing else
    void serve(InputStream in, OutputStream out) throws InterruptedException {
        var guard = new RunGuard(roots, programs);
        try (var jobs = new TrainingJobs();
                var models = new ModelTools(roots, guard)) {
            var hook = new Thread(jobs::close, "attune-mcp-end");
            Runtime.getRuntime().addShutdownHook(hook);
            List<Tool> tools = new ArrayList<>(new RunTools(roots, guard, jobs).all());
            tools.addAll(new ResultTools(roots, jobs).all());
            tools.addAll(models.all());
            LOG.info("answering a client; files may be read and written in {}", roots);
            new McpSession(tools, Versions.attune(), instructions(), out).serve(in);
            LOG.info("the client has gone");
            removeHook(hook);
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            LOG.debug("the JVM is ending already");
        }
    }

    private String instructions() {
        return """
        Attune trains language models on this machine: supervised fine-tuning, preferences, rewards.
        Usual order: keys (which there are), check, preview (look at the rows as the model sees \
        them), train, status with wait_seconds, report (held-out quality before and after), eval, \
        chat or serve. A run needs model_name_or_path, datasets and output_dir; set eval_datasets \
        or test_split_size too, or nothing says whether it helped.
        Files may be read and written in: %s. Relative paths begin in %s.
        Errors say what is accepted; change the keys and check again.\
        """
                .formatted(roots, Path.of("").toAbsolutePath());
    }
}
