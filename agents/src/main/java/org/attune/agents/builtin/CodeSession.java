package org.attune.agents.builtin;

import org.attune.agents.sandbox.ProgramCommand;
import org.attune.agents.sandbox.RunningProgram;
import org.attune.agents.sandbox.Sandbox;
import org.attune.agents.sandbox.WorkFolder;
import org.attune.agents.tool.ToolResult;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeoutException;

/// An interpreter that is kept from one call to the next, with its variables. If it ends, the next
/// call begins with a fresh one, and the model reads so.
final class CodeSession implements AutoCloseable {
    /// Runs each piece of code that follows a line with its name, its length in bytes and a mark,
    /// all in one scope, and then prints the mark. As at a prompt the value of a last expression is
    /// printed. Only what the code did is in a traceback.
    private static final String PYTHON =
            """
            import ast, linecache, os, sys, traceback
            def session():
                pieces, scope = os.fdopen(os.dup(0), "rb"), {"__name__": "__main__"}
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                while True:
                    name, length, mark = pieces.readline().decode().split()
                    source = pieces.read(int(length)).decode()
                    try:
                        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
                        tree = ast.parse(source, name)
                        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
                        exec(compile(tree, name, "exec"), scope)
                        if last is not None:
                            value = eval(compile(ast.Expression(last.value), name, "eval"), scope)
                            if value is not None:
                                print(repr(value))
                    except SystemExit:
                        raise
                    except SyntaxError as e:
                        traceback.print_exception(type(e), e, None)
                    except BaseException as e:
                        traceback.print_exception(type(e), e, e.__traceback__.tb_next)
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os.write(1, (mark + "\\n").encode())
            session()
            """;

    private final Language language;
    private final Sandbox sandbox;
    private final Interpreters interpreters;
    private final CodeConfig config;
    private final CodeAnswer answers;
    private final WorkFolder work;
    private Optional<RunningProgram> running = Optional.empty(); // guarded by this
    private int calls; // guarded by this

    CodeSession(
            Language language,
            Sandbox sandbox,
            Interpreters interpreters,
            CodeConfig config,
            CodeAnswer answers,
            WorkFolder work) {
        this.language = language;
        this.sandbox = sandbox;
        this.interpreters = interpreters;
        this.config = config;
        this.answers = answers;
        this.work = work;
    }

    /// Runs code. Calls of one turn run one after the other.
    ///
    /// @throws TimeoutException if it took too long
    synchronized ToolResult run(String code)
            throws IOException, InterruptedException, TimeoutException {
        if (running.isEmpty()) {
            ProgramCommand command = interpreters.session(language, work, PYTHON);
            running = Optional.of(sandbox.start(command, work, config.maxOutput()));
        }
        RunningProgram program = running.get();
        String mark = "end-" + UUID.randomUUID();
        Optional<String> output = Optional.empty();
        try {
            program.send(piece(code, mark));
            output = program.receive(mark + "\n", config.timeout());
            if (output.isPresent()) {
                return answers.ok(answers.output(output.get()));
            }
            return ended(program);
        } finally {
            if (output.isEmpty()) {
                program.close();
                running = Optional.empty();
            }
        }
    }

    private String piece(String code, String mark) {
        if (language == Language.PYTHON) {
            String name = "Call%d.py".formatted(++calls);
            int length = code.getBytes(StandardCharsets.UTF_8).length;
            return "%s %d %s\n%s".formatted(name, length, mark, code);
        }
        return "eval '%s' </dev/null 2>&1; echo %s\n".formatted(code.replace("'", "'\\''"), mark);
    }

    private ToolResult ended(RunningProgram program)
            throws IOException, InterruptedException, TimeoutException {
        String remark = "\n(the session ended; the next call begins a new one)";
        try {
            return switch (answers.of(program.await(Duration.ofSeconds(1)))) {
                case ToolResult.Ok ok -> new ToolResult.Ok(ok.text() + remark);
                case ToolResult other -> other;
            };
        } catch (TimeoutException e) {
            var told = new TimeoutException(e.getMessage() + remark);
            told.initCause(e);
            throw told;
        }
    }

    /// Ends the interpreter.
    @Override
    public synchronized void close() {
        running.ifPresent(RunningProgram::close);
        running = Optional.empty();
    }
}
