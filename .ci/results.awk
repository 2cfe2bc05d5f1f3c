# Reads surefire's reports: a line "passed|failed|skipped CLASS#METHOD#N" for each test, N counting tests of one name.
function attribute(name,    at, text) {
  at = index($0, " " name "=\"")
  if (!at) return ""
  text = substr($0, at + length(name) + 3)
  text = substr(text, 1, index(text, "\"") - 1)
  gsub(/[ \t]/, "_", text)
  return text
}
function finish() {
  if (test != "") print status, test "#" ++seen[test]
  test = ""
}
FNR == 1 { finish() }
/<testcase / {
  finish()
  test = attribute("classname") "#" attribute("name")
  status = "passed"
}
test != "" && /<skipped/ { status = "skipped" }
test != "" && /<(failure|error)[ >]/ { status = "failed" }
/<\/testcase>|<testcase [^>]*\/>/ { finish() }
END { finish() }
