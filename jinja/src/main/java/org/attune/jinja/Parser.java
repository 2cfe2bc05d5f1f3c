package org.attune.jinja;

import org.attune.jinja.Statement.Branch;
import org.attune.jinja.Statement.MacroCode;
import org.attune.jinja.Statement.Target;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Recursive descent over statements.
final class Parser {
    private static final Set<String> TAGS =
            Set.of(
                    ("for if set with macro call filter print block autoescape generation break"
                                    + " continue include import from extends")
                            .split(" "));
    private static final Set<String> CONSTANTS =
            Set.of("true", "True", "false", "False", "none", "None");

    private final TokenStream tokens;
    private final ExpressionParser expressions;

    /// The tags that are open, innermost first.
    private final Deque<String> tags = new ArrayDeque<>();

    /// The tags that may end the bodies being read, innermost first.
    private final Deque<List<String>> ends = new ArrayDeque<>();

    /// The first `break` or `continue` outside of a loop, which Jinja finds last of all.
    private Optional<JinjaException> misplaced = Optional.empty();

    private int loops;
    private boolean marksAssistant;

    private Parser(Lexer.Tokens tokens) {
        this.tokens = new TokenStream(tokens);
        this.expressions = new ExpressionParser(this.tokens);
    }

    /// @param body           the template
    /// @param marksAssistant whether it has `{% generation %}` blocks
    record Parsed(List<Statement> body, boolean marksAssistant) {}

    /// @throws JinjaException with [JinjaException.Kind#SYNTAX]
    static Parsed parse(String template) {
        var parser = new Parser(Lexer.tokens(template));
        List<Statement> body = parser.statements(List.of());
        parser.expressions.operands().requireNames();
        if (parser.misplaced.isPresent()) {
            throw parser.misplaced.get();
        }
        return new Parsed(body, parser.marksAssistant);
    }

    /// Statements up to a tag of `until`, or up to the end if there is none.
    private List<Statement> statements(List<String> until) {
        var body = new ArrayList<Statement>();
        while (!tokens.current().is(Token.Type.END)) {
            Token token = tokens.next();
            switch (token.type()) {
                case DATA -> body.add(new Statement.Data(token.value(), token.line()));
                case VARIABLE_BEGIN -> {
                    int line = tokens.line();
                    body.add(new Statement.Print(expressions.tuple(), line));
                    tokens.expect(Token.Type.VARIABLE_END);
                }
                default -> {
                    if (until.stream().anyMatch(tokens.current()::isName)) {
                        return body;
                    }
                    body.add(statement());
                    tokens.expect(Token.Type.BLOCK_END);
                }
            }
        }
        if (!until.isEmpty()) {
            throw unknownTag("Unexpected end of template.", Optional.empty(), tokens.line());
        }
        return body;
    }

    /// The body of a block; the tag that ends it is the current token afterwards.
    private List<Statement> body(boolean lenient, String... until) {
        if (tokens.current().isOperator(":")) {
            tokens.next();
        }
        tokens.expect(Token.Type.BLOCK_END);
        boolean before = expressions.operands().lenient(lenient);
        ends.push(List.of(until));
        List<Statement> body = statements(List.of(until));
        ends.pop();
        expressions.operands().lenient(before);
        return body;
    }

    /// The body of a block with one possible end, which is read too.
    private List<Statement> wholeBody(String end) {
        List<Statement> body = body(false, end);
        tokens.next();
        return body;
    }

    private Statement statement() {
        Token token = tokens.current();
        if (!token.is(Token.Type.NAME)) {
            throw tokens.fail("tag name expected");
        }
        String tag = token.value();
        if (!TAGS.contains(tag)) {
            throw unknownTag(
                    "Encountered unknown tag " + Repr.of(tag) + ".",
                    Optional.of(tag),
                    token.line());
        }
        tags.push(tag);
        tokens.next();
        Statement statement =
                switch (tag) {
                    case "for" -> loop(token.line());
                    case "if" -> condition(token.line());
                    case "set" -> assignment(token.line());
                    case "with" -> with(token.line());
                    case "macro" -> macro(token.line());
                    case "call" -> callBlock(token.line());
                    case "filter" -> filterBlock(token.line());
                    case "print" -> new Statement.Print(expressions.tuple(), token.line());
                    case "block" -> block(token.line());
                    case "autoescape" -> autoescape(token.line());
                    case "generation" -> generation(token.line());
                    case "break", "continue" -> jump(tag, token.line());
                    default ->
                            throw JinjaException.syntax(
                                    "tag "
                                            + Repr.of(tag)
                                            + " needs other templates, but a chat template"
                                            + " stands alone",
                                    token.line());
                };
        tags.pop();
        return statement;
    }

    private JinjaException unknownTag(String start, Optional<String> tag, int line) {
        var message = new StringBuilder(start);
        if (!ends.isEmpty()) {
            String wanted = Repr.alternatives(ends.peek());
            boolean nesting =
                    tag.isPresent() && ends.stream().anyMatch(end -> end.contains(tag.get()));
            message.append(
                    nesting
                            ? " You probably made a nesting mistake. Jinja is expecting this tag,"
                                    + " but currently looking for "
                            : " Jinja was looking for the following tags: ");
            message.append(wanted).append('.');
        }
        if (!tags.isEmpty()) {
            message.append(" The innermost block that needs to be closed is ")
                    .append(Repr.of(tags.peek()))
                    .append('.');
        }
        return JinjaException.syntax(message.toString(), line);
    }

    private Statement loop(int line) {
        Target target = target(false);
        tokens.expectName("in");
        Expression items = expressions.tupleWithoutCondition();
        Optional<Expression> test =
                tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        boolean recursive = tokens.skipName("recursive");
        loops++;
        List<Statement> body = body(false, "endfor", "else");
        loops--;
        List<Statement> otherwise = tokens.next().isName("else") ? wholeBody("endfor") : List.of();
        return new Statement.For(target, items, test, recursive, body, otherwise, line);
    }

    private Statement condition(int line) {
        var branches = new ArrayList<Branch>();
        int branchLine = line;
        Token next;
        do {
            boolean before = expressions.operands().lenient(true);
            Expression test = expressions.tupleWithoutCondition();
            expressions.operands().lenient(before);
            List<Statement> body = body(true, "elif", "else", "endif");
            branches.add(new Branch(Optional.of(test), body, branchLine));
            next = tokens.next();
            branchLine = next.line();
        } while (next.isName("elif"));
        if (next.isName("else")) {
            branches.add(new Branch(Optional.empty(), body(true, "endif"), next.line()));
            tokens.next();
        }
        return new Statement.If(branches, line);
    }

    private Statement assignment(int line) {
        Target target = target(true);
        int missingBefore = expressions.operands().missing();
        if (tokens.skipOperator("=")) {
            return new Statement.Assign(target, expressions.tuple(), line);
        }
        Optional<Expression> filter =
                tokens.skipOperator("|") ? Optional.of(filters()) : Optional.empty();
        List<JinjaException> missing = expressions.operands().takeMissing(missingBefore);
        List<Statement> body = wholeBody("endset");
        expressions.operands().addMissing(missing); // Jinja looks through the body first
        return new Statement.AssignBlock(target, filter, body, line);
    }

    /// The chain of filters of a block; its first `|` has been read.
    private Expression filters() {
        OperandParser operands = expressions.operands();
        int since = operands.missing();
        boolean before = operands.lenient(false);
        Expression filter = operands.filter(Optional.empty(), since);
        while (tokens.skipOperator("|")) {
            filter = operands.filter(Optional.of(filter), since);
        }
        operands.lenient(before);
        return filter;
    }

    private Statement with(int line) {
        var targets = new ArrayList<Target>();
        var values = new ArrayList<Expression>();
        while (!tokens.current().is(Token.Type.BLOCK_END)) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            targets.add(target(false));
            tokens.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Statement.With(targets, values, wholeBody("endwith"), line);
    }

    private Statement macro(int line) {
        String name = variableName(tokens.expect(Token.Type.NAME));
        var parameters = new ArrayList<String>();
        var defaults = new ArrayList<Expression>();
        signature(parameters, defaults);
        return new Statement.MacroDefinition(
                macroCode(name, parameters, defaults, "endmacro"), line);
    }

    private MacroCode macroCode(
            String name, List<String> parameters, List<Expression> defaults, String end) {
        int outerLoops = loops;
        loops = 0;
        int from = tokens.position();
        List<Statement> body = wholeBody(end);
        int to = tokens.position();
        loops = outerLoops;
        return new MacroCode(
                name,
                parameters,
                defaults,
                body,
                tokens.usesName("varargs", from, to),
                tokens.usesName("kwargs", from, to),
                tokens.usesName("caller", from, to));
    }

    private void signature(List<String> parameters, List<Expression> defaults) {
        tokens.expectOperator("(");
        while (!tokens.current().isOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            parameters.add(variableName(tokens.expect(Token.Type.NAME)));
            if (tokens.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw tokens.fail("non-default argument follows default argument");
            }
        }
        tokens.expectOperator(")");
    }

    private Statement callBlock(int line) {
        var parameters = new ArrayList<String>();
        var defaults = new ArrayList<Expression>();
        if (tokens.current().isOperator("(")) {
            signature(parameters, defaults);
        }
        if (!(expressions.expression() instanceof Expression.Call call)) {
            throw JinjaException.syntax("expected call", line);
        }
        return new Statement.CallBlock(macroCode("", parameters, defaults, "endcall"), call, line);
    }

    private Statement filterBlock(int line) {
        int since = expressions.operands().missing();
        Expression filter = filters();
        List<JinjaException> missing = expressions.operands().takeMissing(since);
        List<Statement> body = wholeBody("endfilter");
        expressions.operands().addMissing(missing);
        return new Statement.FilterBlock(filter, body, line);
    }

    private Statement block(int line) {
        String name = tokens.expect(Token.Type.NAME).value();
        tokens.skipName("scoped");
        tokens.skipName("required");
        List<Statement> body = wholeBody("endblock");
        tokens.skipName(name);
        return new Statement.Group(body, line);
    }

    private Statement autoescape(int line) {
        Expression on = expressions.expression();
        return new Statement.Autoescape(on, wholeBody("endautoescape"), line);
    }

    private Statement generation(int line) {
        marksAssistant = true;
        int outerLoops = loops;
        loops = 0;
        List<Statement> body = wholeBody("endgeneration");
        loops = outerLoops;
        return new Statement.Generation(body, line);
    }

    private Statement jump(String tag, int line) {
        if (loops == 0 && misplaced.isEmpty()) {
            String problem = tag.equals("break") ? "outside loop" : "not properly in loop";
            misplaced = Optional.of(JinjaException.syntax(Repr.of(tag) + " " + problem, line));
        }
        return tag.equals("break") ? new Statement.Break(line) : new Statement.Continue(line);
    }

    /// Reads one or several variables; with `namespaces` also attributes of namespaces.
    private Target target(boolean namespaces) {
        var targets = new ArrayList<Target>();
        boolean several = false;
        while (true) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            if (expressions.atTupleEnd()) {
                break;
            }
            targets.add(oneTarget(namespaces));
            if (!tokens.current().isOperator(",")) {
                break;
            }
            several = true;
        }
        if (targets.isEmpty()) {
            throw tokens.fail(
                    "Expected an expression, got " + Repr.of(tokens.current().described()));
        }
        return several ? new Target.Several(targets) : targets.getFirst();
    }

    private Target oneTarget(boolean namespaces) {
        Token token = tokens.current();
        if (token.isOperator("(")) {
            tokens.next();
            Target inner = target(namespaces);
            tokens.expectOperator(")");
            return inner;
        }
        if (!token.is(Token.Type.NAME)) {
            expressions
                    .operands()
                    .primary(); // says "unexpected …" if this can't even start an expression
            throw JinjaException.syntax("can't assign to 'const'", token.line());
        }
        tokens.next();
        if (namespaces && tokens.skipOperator(".")) {
            return new Target.NamespaceAttribute(
                    token.value(), tokens.expect(Token.Type.NAME).value());
        }
        return new Target.Variable(variableName(token));
    }

    private static String variableName(Token token) {
        if (CONSTANTS.contains(token.value())) {
            throw JinjaException.syntax("can't assign to 'const'", token.line());
        }
        return token.value();
    }
}
