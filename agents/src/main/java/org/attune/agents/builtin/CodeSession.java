package org.attune.agents.builtin;

import org.attune.agents.sandbox.ProgramCommand;
import org.attune.agents.sandbox.RunningProgram;
import org.attune.agents.sandbox.Sandbox;
import org.attune.agents.sandbox.WorkFolder;
import org.attune.agents.tool.ToolResult;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeoutException;

/// An interpreter that is kept from one call to the next, with its variables. If it ends, the next
/// call begins with a fresh one, and the model reads so.
final class CodeSession implements AutoCloseable {
    /// Runs each file that a line of input names, in one scope, and then prints the line's second
    /// word. As at a prompt the value of a last expression is printed. Only what the code did is
    /// in a traceback.
    private static final String PYTHON =
            """
            import ast, linecache, os, sys, traceback
            def session():
                lines, scope = sys.stdin, {"__name__": "__main__"}
                sys.stdin = open(os.devnull)
                sys.path.insert(0, "")
                while True:
                    name, mark = lines.readline().split()
                    try:
                        source = open(name, encoding="utf-8").read()
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

    /// Runs a file of the work folder. Calls of one turn run one after the other.
    ///
    /// @throws TimeoutException if it took too long
    synchronized ToolResult run(String file)
            throws IOException, InterruptedException, TimeoutException {
        if (running.isEmpty()) {
            ProgramCommand command = interpreters.session(language, work.path(), PYTHON);
            running = Optional.of(sandbox.start(command, config.maxOutput()));
        }
        RunningProgram program = running.get();
        String mark = "end-" + UUID.randomUUID();
        Optional<String> output = Optional.empty();
        try {
            program.send(line(file, mark));
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

    private String line(String file, String mark) {
        return language == Language.PYTHON
                ? file + " " + mark + "\n"
                : ". ./%s </dev/null 2>&1; echo %s\n".formatted(file, mark);
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
