package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/kelseyhightower/envconfig"
)

// Error lists everything that is wrong with the environment, a line each.
type Error struct{ Problems []string }

func (e *Error) Error() string {
	return "the environment is invalid:\n  " + strings.Join(e.Problems, "\n  ")
}

// Load is for the start of a container: it reads secrets from the files that
// FILE__NAME variables name, gives every variable of Config its effective value
// (in this process's environment too, for the processes that it starts) and checks them.
// All problems come in one *Error.
func Load() (Config, error) {
	problems := readSecrets()
	return load(problems)
}

// LoadSaved is for everything else, which kubelet or a person may call with no more than
// the container's raw environment: names that are unset or empty are first taken from
// the environment that the start saved. When that environment cannot be read or trusted,
// the defaults hold.
func LoadSaved() (Config, error) {
	for name, value := range readSaved(SavedPath(RunDir())) {
		// A secret's file wins over the variable, and the start has read it.
		if value != "" && (os.Getenv(name) == "" || fromFile(name)) {
			_ = os.Setenv(name, value)
		}
	}
	return load(nil)
}

// RunDir is IMAGE_RUN_DIR, for callers that need nothing else of the environment.
func RunDir() string { return cmp.Or(os.Getenv("IMAGE_RUN_DIR"), defaultOf("IMAGE_RUN_DIR")) }

func load(problems []string) (Config, error) {
	var c Config
	for _, v := range variables() {
		value, set := os.LookupEnv(v.Name)
		if set && value == "" && v.empty != "" {
			_ = os.Setenv(v.Name, v.empty)
		} else if value == "" || v.isServiceLink() {
			v.setDefault() // not checked: it is built from values that were
		} else if err := v.check(); err != nil {
			problems = append(problems, v.problem(err))
		}
	}
	for {
		err := envconfig.Process("", &c)
		if err == nil {
			break
		}
		// envconfig stops at the first error: note it, go on without that variable.
		parse, ok := errors.AsType[*envconfig.ParseError](err)
		if !ok {
			return c, fmt.Errorf("cannot read the environment: %w", err)
		}
		v := variable(parse.KeyName)
		problems = append(problems, v.problem(parse.Err))
		v.setDefault()
	}
	if len(problems) == 0 {
		problems = c.settleRedis()
	}
	if len(problems) > 0 {
		return c, &Error{problems}
	}
	c.Environ = os.Environ()
	return c, nil
}

// Lookup returns a variable of the whole environment.
func (c Config) Lookup(name string) (string, bool) {
	for _, entry := range slices.Backward(c.Environ) {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// Variable is a variable as declared.
type Variable struct {
	Name, Default string

	kind  string
	is    string // any of secret, optional and internal
	empty string // the value of a variable that is set but empty, when that is not the default
	tag   reflect.StructTag
}

// Meaning is what a user has to know of the variable.
func (v Variable) Meaning() string { return v.tag.Get("desc") }

// group is the title of the table that the variable begins.
func (v Variable) group() string { return v.tag.Get("group") }

func (v Variable) secret() bool   { return strings.Contains(v.is, "secret") }
func (v Variable) optional() bool { return strings.Contains(v.is, "optional") }
func (v Variable) internal() bool { return strings.Contains(v.is, "internal") }

// Variables returns the variables for users, in the order of their declaration.
func Variables() []Variable {
	return slices.DeleteFunc(slices.Clone(variables()), Variable.internal)
}

var variables = sync.OnceValue(func() []Variable {
	t := reflect.TypeFor[Config]()
	all := make([]Variable, 0, t.NumField())
	for i := range t.NumField() {
		if v := declared(t.Field(i).Tag); v.Name != "" {
			all = append(all, v)
		}
	}
	return all
})

// declared reads the tag of a field in one go: reflect's Get begins anew for each key, which
// was a tenth of a start's work.
func declared(tag reflect.StructTag) Variable {
	v := Variable{tag: tag}
	for rest := string(tag); rest != ""; {
		key, quoted, _ := strings.Cut(rest, ":")
		quoted, _ = strconv.QuotedPrefix(quoted)
		value, _ := strconv.Unquote(quoted)
		switch key {
		case "envconfig":
			v.Name = value
		case "default":
			v.Default = value
		case "kind":
			v.kind = value
		case "is":
			v.is = value
		case "empty":
			v.empty = value
		}
		rest = strings.TrimLeft(rest[len(key)+1+len(quoted):], " ")
	}
	return v
}

func variable(name string) Variable {
	all := variables()
	return all[slices.IndexFunc(all, func(v Variable) bool { return v.Name == name })]
}

func defaultOf(name string) string { return variable(name).Default }

// setDefault gives the variable its default, which may name other variables. An
// optional one ends up unset: an empty TZ would mean UTC to the C library.
func (v Variable) setDefault() {
	if v.optional() {
		_ = os.Unsetenv(v.Name)
		return
	}
	_ = os.Setenv(v.Name, os.ExpandEnv(v.Default))
}

func (v Variable) check() error {
	value := os.Getenv(v.Name)
	if check := checks[v.kind]; check != nil && value != "" {
		return check(value)
	}
	return nil
}

func (v Variable) problem(err error) string {
	value := os.Getenv(v.Name)
	switch fromFile := fromFile(v.Name); {
	case fromFile && v.kind == "schedule":
		return v.Name + ": expected a schedule in the file that FILE__" + v.Name + " names" // err quotes parts of it
	case fromFile || v.secret():
		return fmt.Sprintf("%s: %v", v.Name, err)
	case v.kind != "schedule" && strings.Contains(value, "@"): // redis://user:password@host
		return fmt.Sprintf("%s: %v (the value has an @ in it and is not shown: it may hold a password)", v.Name, err)
	}
	return fmt.Sprintf("%s=%q: %v", v.Name, value, err)
}

// fromFile reports whether the variable is given by a file that another one names.
func fromFile(name string) bool {
	return os.Getenv("FILE__"+name) != "" || name == "LOGGING_REDIS_PASSWORD" && os.Getenv(name+"_FILE") != ""
}

// maxSecret is far above any password, key or certificate chain.
const maxSecret = 64 << 10

// readSecrets sets NAME to the content of the file that FILE__NAME names, and
// returns what went wrong. An empty FILE__NAME counts as unset.
func readSecrets() (problems []string) {
	read := func(from, name, path string) {
		value, err := readSecret(path)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s=%q: %v", from, path, err))
			return
		}
		_ = os.Setenv(name, value)
	}
	if path := os.Getenv("LOGGING_REDIS_PASSWORD_FILE"); path != "" {
		read("LOGGING_REDIS_PASSWORD_FILE", "LOGGING_REDIS_PASSWORD", path)
	}
	for _, entry := range os.Environ() {
		name, path, _ := strings.Cut(entry, "=")
		if target, ok := strings.CutPrefix(name, "FILE__"); ok && target != "" && path != "" {
			read(name, target, path)
		}
	}
	slices.Sort(problems)
	return problems
}

func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("the file does not exist: is the secret mounted?")
	case err != nil:
		return "", fmt.Errorf("the file cannot be read by uid %d: %w", os.Geteuid(), errors.Unwrap(err))
	case info.IsDir():
		return "", errors.New("is a directory, expected a file")
	case !info.Mode().IsRegular():
		return "", errors.New("is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("the file cannot be read by uid %d: %w", os.Geteuid(), errors.Unwrap(err))
	}
	defer f.Close()
	// Files of /proc say that they are empty, and may never end.
	data := make([]byte, maxSecret+8)
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("the file cannot be read by uid %d: %w", os.Geteuid(), errors.Unwrap(err))
	}
	if n > maxSecret {
		return "", fmt.Errorf("is larger than %d bytes", maxSecret)
	}
	value, _ := strings.CutSuffix(string(data[:n]), "\n")
	if strings.Contains(value, "\x00") {
		return "", errors.New("holds a NUL byte, which no environment variable can")
	}
	return value, nil
}

// Early returns the environment before it is checked: enough to set up a log for the
// errors of the check, the file that says where the container's own log is, and whether
// programs are started again after a pause.
func Early() Config {
	c := Config{
		LogFormat: os.Getenv("IMAGE_LOG_FORMAT"), LogLevel: os.Getenv("IMAGE_LOG_LEVEL"), NoColor: os.Getenv("NO_COLOR"),
		PIDFile: cmp.Or(os.Getenv("IMAGE_SUPERVISOR_PIDFILE"), defaultOf("IMAGE_SUPERVISOR_PIDFILE")),
	}
	_ = c.RestartBackoff.Decode(os.Getenv("IMAGE_RESTART_BACKOFF")) // what is wrong is no pause
	return c
}
