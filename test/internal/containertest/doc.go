// Package containertest runs real containers: the image of Dockerfile.alpine, and
// images that are built on top of it, with podman and runc.
//
// A package of tests hands its TestMain over, which gives it a storage of its own
// and sees at the end that no container, mount or process is left:
//
//	func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }
//
//	func TestHello(t *testing.T) {
//		p := containertest.New(t)
//		image := p.Build(t, "../../examples/webapp")
//		c := p.Run(t, image, containertest.Options{
//			User: "500", ReadOnly: true, Env: []string{"APP_PORT=" + containertest.FreePort(t)},
//		})
//		c.WaitUp(t)
//		t.Log(c.Exec(t, "container-manager", "status"))
//		c.Stop(t)
//	}
//
// New makes what is missing: bases under the names that Dockerfiles ask for (see
// standin), and from them the image that is called container-manager, as the
// unmodified Dockerfile.alpine says. Both are kept in the user's cache directory
// as storage that podman only reads, until what they are made of changes.
// Containers are in the host's network; nothing is ever pulled. Everything below
// Podman.Command is podman's own command line.
//
// All of it needs root: the suite runs containers as several users, which a
// storage without root cannot tell apart.
package containertest
