package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/yaml"
)

const examples = "../../../examples/kubernetes"

// objects are those of a kustomization, by their kinds.
type objects struct {
	deployments []*appsv1.Deployment
	cronJobs    []*batchv1.CronJob
	services    []*corev1.Service
	claims      map[string]*corev1.PersistentVolumeClaim
	secrets     map[string]*corev1.Secret
	configMaps  map[string]*corev1.ConfigMap
	policies    []*networkingv1.NetworkPolicy
}

// decode reads YAML documents as the API server would with strict validation:
// fields that a kind does not have, and those that are there twice, are errors.
func decode(text []byte) (objects, error) {
	all := objects{
		claims:     map[string]*corev1.PersistentVolumeClaim{},
		secrets:    map[string]*corev1.Secret{},
		configMaps: map[string]*corev1.ConfigMap{},
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return all, err
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			return all, err
		}
		switch o := object.(type) {
		case *appsv1.Deployment:
			all.deployments = append(all.deployments, o)
		case *batchv1.CronJob:
			all.cronJobs = append(all.cronJobs, o)
		case *corev1.Service:
			all.services = append(all.services, o)
		case *corev1.PersistentVolumeClaim:
			all.claims[o.Name] = o
		case *corev1.Secret:
			all.secrets[o.Name] = o
		case *corev1.ConfigMap:
			all.configMaps[o.Name] = o
		case *networkingv1.NetworkPolicy:
			all.policies = append(all.policies, o)
		default:
			return all, fmt.Errorf("%s: no check knows what to look at", kind)
		}
	}
}

// load builds a kustomization and reads what comes out.
func load(dir string) (objects, error) {
	built, err := kustomize(dir)
	if err != nil {
		return objects{}, err
	}
	return decode(built)
}

func TestFilesFitTheAPI(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "base", "*.yaml"))
	if err != nil || len(files) != 6 {
		t.Fatalf("found %q (%v), want every manifest of the base", files, err)
	}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestKustomizationsHoldTogether(t *testing.T) {
	for _, name := range []string{"base", "openshift"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(examples, name)
			all, err := load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(all.deployments) != 1 || len(all.cronJobs) != 1 || len(all.services) != 1 || len(all.configMaps) != 1 || len(all.policies) != 1 {
				t.Errorf("%d deployments, %d cron jobs, %d services, %d config maps, %d network policies: want one of each",
					len(all.deployments), len(all.cronJobs), len(all.services), len(all.configMaps), len(all.policies))
			}
			for _, problem := range all.problems() {
				t.Error(problem)
			}
		})
	}
}

// A file that is not listed is not applied, and nobody is told.
func TestKustomizationsListEveryFile(t *testing.T) {
	for _, name := range []string{"base", "openshift"} {
		dir := filepath.Join(examples, name)
		text, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var kustomization types.Kustomization
		if err := kyaml.UnmarshalStrict(text, &kustomization); err != nil {
			t.Errorf("%s/kustomization.yaml: %v", dir, err)
		}
		listed := kustomization.Resources
		for _, generated := range kustomization.ConfigMapGenerator {
			listed = append(listed, generated.FileSources...)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.Name() != "kustomization.yaml" && !slices.Contains(listed, entry.Name()) {
				t.Errorf("%s/kustomization.yaml does not list %s", dir, entry.Name())
			}
		}
	}
}

// Any user that the cluster picks, and the cluster's group for the volume.
func TestOpenShiftPicksTheUser(t *testing.T) {
	all, err := load(filepath.Join(examples, "openshift"))
	if err != nil {
		t.Fatal(err)
	}
	for name, pod := range all.pods() {
		s := pod.Spec.SecurityContext
		if s.RunAsUser != nil || s.RunAsGroup != nil || s.FSGroup != nil {
			t.Errorf("%s: the user, its group or that of the volume is fixed: %v", name, s)
		}
	}
}
