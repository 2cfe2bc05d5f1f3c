package org.attune.agents.builtin;

import org.attune.agents.sandbox.ProgramCommand;
import org.attune.agents.sandbox.ProgramEnd;
import org.attune.agents.sandbox.RunningProgram;
import org.attune.agents.sandbox.Sandbox;
import org.attune.agents.sandbox.SourceFile;
import org.attune.agents.sandbox.WorkFolder;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSet;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/// The code of one episode: its folder, and its interpreters where they are kept.
final class EpisodeCode implements ToolSet {
    private static final Map<Language, String> ENDINGS =
            Map.of(Language.PYTHON, ".py", Language.JAVA, ".java", Language.SH, ".sh");

    private final Sandbox sandbox;
    private final Interpreters interpreters;
    private final CodeConfig config;
    private final WorkFolder work;
    private final CodeAnswer answers;
    private final AtomicInteger calls = new AtomicInteger();
    private final Map<Language, CodeSession> sessions = new EnumMap<>(Language.class);
    private final List<Tool> tools;

    /// @param names of the tools, by language
    /// @throws IOException if its folder can't be made
    /// @throws InterruptedException if the caller is to stop
    EpisodeCode(
            Sandbox sandbox,
            Interpreters interpreters,
            CodeConfig config,
            Map<Language, String> names)
            throws IOException, InterruptedException {
        this.sandbox = sandbox;
        this.interpreters = interpreters;
        this.config = config;
        this.work = sandbox.folder();
        this.answers = new CodeAnswer(config, work);
        List<Tool> all = new ArrayList<>();
        names.forEach((language, name) -> all.add(new CodeTool(name, language, config, this)));
        this.tools = List.copyOf(all);
        if (config.isSession()) {
            for (Language language : names.keySet()) {
                if (language.hasSessions()) {
                    sessions.put(
                            language,
                            new CodeSession(
                                    language, sandbox, interpreters, config, answers, work));
                }
            }
        }
    }

    @Override
    public List<Tool> tools() {
        return tools;
    }

    /// Runs code and waits for its end.
    ///
    /// @throws TimeoutException if it took too long; the message is for the model
    /// @throws IOException if it could not be started
    ToolResult run(Language language, String code)
            throws IOException, InterruptedException, TimeoutException {
        CodeSession session = sessions.get(language);
        return session == null ? once(language, code) : session.run(code);
    }

    private ToolResult once(Language language, String code)
            throws IOException, InterruptedException, TimeoutException {
        // Java makes a class of the file's name
        var file = new SourceFile("Call" + calls.incrementAndGet() + ENDINGS.get(language), code);
        ProgramCommand command = interpreters.run(language, work, file, config.sandbox().memory());
        try (RunningProgram program = sandbox.start(command, work, config.maxOutput())) {
            ProgramEnd end = program.await(config.timeout());
            return answers.of(end);
        }
    }

    @Override
    public void close() {
        sessions.values().forEach(CodeSession::close);
        work.close();
    }
}
