package main

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/ZPascal/container-manager/test/browser"
)

// photograph writes a picture of the page of the example, with a backup and jobs that have run.
func photograph(root, binary, dir, file string) (err error) {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	e, err := startExample(root, binary, dir, "IMAGE_HTTP_ADDRESS="+address, "IMAGE_HEALTH_CRON=@every 1s")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.end()) }()
	if _, err := e.ask("backup"); err != nil {
		return err
	}
	b, err := browser.Start(context.Background(), dir+".profile")
	if err != nil {
		return err
	}
	defer b.Close()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		if err := b.Load("http://"+address+"/", browser.Screen{Width: 1150, Height: 600}); err != nil {
			return err
		}
		// A job has run, and the backup is there.
		var results int
		if err := b.Evaluate(`[...document.querySelectorAll("span.good")].filter(e => e.textContent == "ok").length`, &results); err != nil {
			return err
		}
		if results >= 2 {
			break
		}
		if time.Now().After(deadline) {
			return errors.New("no job has run well within a minute: make run, and look why")
		}
	}
	png, err := b.Picture()
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o644)
}

// freeAddress returns an address that nobody listened on a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
